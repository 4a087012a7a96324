// The notation is explained in ../notation.ts. Facts: the published field tags and markers of Kubernetes 1.32.

export const APPS_TYPES = `
StatefulSet metadata#1:meta.ObjectMeta spec#2:StatefulSetSpec status#3:StatefulSetStatus
StatefulSetUpdateStrategy type#1:str rollingUpdate#2:*RollingUpdateStatefulSetStrategy
RollingUpdateStatefulSetStrategy partition#1:*i32 maxUnavailable#2:*intstr
StatefulSetPersistentVolumeClaimRetentionPolicy whenDeleted#1:str whenScaled#2:str
StatefulSetOrdinals start#1:i32+
StatefulSetSpec replicas#1:*i32 selector#2:*meta.LabelSelector+! template#3:core.PodTemplateSpec+!
  volumeClaimTemplates#4:[]core.PersistentVolumeClaim serviceName#5:str+! podManagementPolicy#6:str
  updateStrategy#7:StatefulSetUpdateStrategy revisionHistoryLimit#8:*i32 minReadySeconds#9:i32
  persistentVolumeClaimRetentionPolicy#10:*StatefulSetPersistentVolumeClaimRetentionPolicy
  ordinals#11:*StatefulSetOrdinals
StatefulSetStatus observedGeneration#1:i64 replicas#2:i32+! readyReplicas#3:i32 currentReplicas#4:i32
  updatedReplicas#5:i32 currentRevision#6:str updateRevision#7:str collisionCount#9:*i32
  conditions#10:[]StatefulSetCondition~merge(type)=map(type) availableReplicas#11:i32+
StatefulSetCondition type#1:str+! status#2:str+! lastTransitionTime#3:time reason#4:str message#5:str
Deployment metadata#1:meta.ObjectMeta spec#2:DeploymentSpec status#3:DeploymentStatus
DeploymentSpec replicas#1:*i32 selector#2:*meta.LabelSelector+! template#3:core.PodTemplateSpec+!
  strategy#4:DeploymentStrategy~retainKeys minReadySeconds#5:i32 revisionHistoryLimit#6:*i32 paused#7:bool
  progressDeadlineSeconds#9:*i32
DeploymentStrategy type#1:str rollingUpdate#2:*RollingUpdateDeployment
RollingUpdateDeployment maxUnavailable#1:*intstr maxSurge#2:*intstr
DeploymentStatus observedGeneration#1:i64 replicas#2:i32 updatedReplicas#3:i32 readyReplicas#7:i32
  availableReplicas#4:i32 unavailableReplicas#5:i32 conditions#6:[]DeploymentCondition~merge(type)=map(type)
  collisionCount#8:*i32
DeploymentCondition type#1:str+! status#2:str+! lastUpdateTime#6:time lastTransitionTime#7:time reason#4:str
  message#5:str
DaemonSetUpdateStrategy type#1:str rollingUpdate#2:*RollingUpdateDaemonSet
RollingUpdateDaemonSet maxUnavailable#1:*intstr maxSurge#2:*intstr
DaemonSetSpec selector#1:*meta.LabelSelector+! template#2:core.PodTemplateSpec+!
  updateStrategy#3:DaemonSetUpdateStrategy minReadySeconds#4:i32 revisionHistoryLimit#6:*i32
DaemonSetStatus currentNumberScheduled#1:i32+! numberMisscheduled#2:i32+! desiredNumberScheduled#3:i32+!
  numberReady#4:i32+! observedGeneration#5:i64 updatedNumberScheduled#6:i32 numberAvailable#7:i32
  numberUnavailable#8:i32 collisionCount#9:*i32 conditions#10:[]DaemonSetCondition~merge(type)=map(type)
DaemonSetCondition type#1:str+! status#2:str+! lastTransitionTime#3:time reason#4:str message#5:str
DaemonSet metadata#1:meta.ObjectMeta spec#2:DaemonSetSpec status#3:DaemonSetStatus
ReplicaSet metadata#1:meta.ObjectMeta spec#2:ReplicaSetSpec status#3:ReplicaSetStatus
ReplicaSetSpec replicas#1:*i32 minReadySeconds#4:i32 selector#2:*meta.LabelSelector+!
  template#3:core.PodTemplateSpec
ReplicaSetStatus replicas#1:i32+! fullyLabeledReplicas#2:i32 readyReplicas#4:i32 availableReplicas#5:i32
  observedGeneration#3:i64 conditions#6:[]ReplicaSetCondition~merge(type)=map(type)
ReplicaSetCondition type#1:str+! status#2:str+! lastTransitionTime#3:time reason#4:str message#5:str
ControllerRevision metadata#1:meta.ObjectMeta data#2:any revision#3:i64+!
`;

export const BATCH_TYPES = `
Job metadata#1:meta.ObjectMeta spec#2:JobSpec status#3:JobStatus
PodFailurePolicyOnExitCodesRequirement containerName#1:*str operator#2:str+! values#3:[]i32+!=set
PodFailurePolicyOnPodConditionsPattern type#1:str+! status#2:str+!
PodFailurePolicyRule action#1:str+! onExitCodes#2:*PodFailurePolicyOnExitCodesRequirement
  onPodConditions#3:[]PodFailurePolicyOnPodConditionsPattern
PodFailurePolicy rules#1:[]PodFailurePolicyRule+!
SuccessPolicy rules#1:[]SuccessPolicyRule+!
SuccessPolicyRule succeededIndexes#1:*str succeededCount#2:*i32
JobSpec parallelism#1:*i32 completions#2:*i32 activeDeadlineSeconds#3:*i64
  podFailurePolicy#11:*PodFailurePolicy successPolicy#16:*SuccessPolicy backoffLimit#7:*i32
  backoffLimitPerIndex#12:*i32 maxFailedIndexes#13:*i32 selector#4:*meta.LabelSelector
  manualSelector#5:*bool template#6:core.PodTemplateSpec+! ttlSecondsAfterFinished#8:*i32
  completionMode#9:*str suspend#10:*bool podReplacementPolicy#14:*str managedBy#15:*str
JobStatus conditions#1:[]JobCondition~merge(type) startTime#2:*time completionTime#3:*time active#4:i32
  succeeded#5:i32 failed#6:i32 terminating#11:*i32 completedIndexes#7:str failedIndexes#10:*str
  uncountedTerminatedPods#8:*UncountedTerminatedPods ready#9:*i32
UncountedTerminatedPods succeeded#1:[]str=set failed#2:[]str=set
JobCondition type#1:str+! status#2:str+! lastProbeTime#3:time lastTransitionTime#4:time reason#5:str
  message#6:str
JobTemplateSpec metadata#1:meta.ObjectMeta spec#2:JobSpec
CronJob metadata#1:meta.ObjectMeta spec#2:CronJobSpec status#3:CronJobStatus
CronJobSpec schedule#1:str+! timeZone#8:*str startingDeadlineSeconds#2:*i64 concurrencyPolicy#3:str
  suspend#4:*bool jobTemplate#5:JobTemplateSpec+! successfulJobsHistoryLimit#6:*i32
  failedJobsHistoryLimit#7:*i32
CronJobStatus active#1:[]core.ObjectReference lastScheduleTime#4:*time lastSuccessfulTime#5:*time
`;

export const AUTOSCALING_V1_TYPES = `
CrossVersionObjectReference @atomic kind#1:str+! name#2:str+! apiVersion#3:str
HorizontalPodAutoscalerSpec scaleTargetRef#1:CrossVersionObjectReference+! minReplicas#2:*i32
  maxReplicas#3:i32+! targetCPUUtilizationPercentage#4:*i32
HorizontalPodAutoscalerStatus observedGeneration#1:*i64 lastScaleTime#2:*time currentReplicas#3:i32+!
  desiredReplicas#4:i32+! currentCPUUtilizationPercentage#5:*i32
HorizontalPodAutoscaler metadata#1:meta.ObjectMeta spec#2:HorizontalPodAutoscalerSpec
  status#3:HorizontalPodAutoscalerStatus
Scale metadata#1:meta.ObjectMeta spec#2:ScaleSpec status#3:ScaleStatus
ScaleSpec replicas#1:i32
ScaleStatus replicas#1:i32+! selector#2:str
MetricSpec type#1:str+! object#2:*ObjectMetricSource pods#3:*PodsMetricSource
  resource#4:*ResourceMetricSource containerResource#7:*ContainerResourceMetricSource
  external#5:*ExternalMetricSource
ObjectMetricSource target#1:CrossVersionObjectReference+! metricName#2:str+! targetValue#3:quantity+!
  selector#4:*meta.LabelSelector averageValue#5:*quantity
PodsMetricSource metricName#1:str+! targetAverageValue#2:quantity+! selector#3:*meta.LabelSelector
ResourceMetricSource name#1:str+! targetAverageUtilization#2:*i32 targetAverageValue#3:*quantity
ContainerResourceMetricSource name#1:str+! targetAverageUtilization#2:*i32 targetAverageValue#3:*quantity
  container#5:str+!
ExternalMetricSource metricName#1:str+! metricSelector#2:*meta.LabelSelector targetValue#3:*quantity
  targetAverageValue#4:*quantity
MetricStatus type#1:str+! object#2:*ObjectMetricStatus pods#3:*PodsMetricStatus
  resource#4:*ResourceMetricStatus containerResource#7:*ContainerResourceMetricStatus
  external#5:*ExternalMetricStatus
HorizontalPodAutoscalerCondition type#1:str+! status#2:str+! lastTransitionTime#3:time reason#4:str
  message#5:str
ObjectMetricStatus target#1:CrossVersionObjectReference+! metricName#2:str+! currentValue#3:quantity+!
  selector#4:*meta.LabelSelector averageValue#5:*quantity
PodsMetricStatus metricName#1:str+! currentAverageValue#2:quantity+! selector#3:*meta.LabelSelector
ResourceMetricStatus name#1:str+! currentAverageUtilization#2:*i32 currentAverageValue#3:quantity+!
ContainerResourceMetricStatus name#1:str+! currentAverageUtilization#2:*i32 currentAverageValue#3:quantity+!
  container#4:str+!
ExternalMetricStatus metricName#1:str+! metricSelector#2:*meta.LabelSelector currentValue#3:quantity+!
  currentAverageValue#4:*quantity
`;

export const AUTOSCALING_V2_TYPES = `
HorizontalPodAutoscaler metadata#1:meta.ObjectMeta spec#2:HorizontalPodAutoscalerSpec
  status#3:HorizontalPodAutoscalerStatus
HorizontalPodAutoscalerSpec scaleTargetRef#1:CrossVersionObjectReference+! minReplicas#2:*i32
  maxReplicas#3:i32+! metrics#4:[]MetricSpec behavior#5:*HorizontalPodAutoscalerBehavior
CrossVersionObjectReference kind#1:str+! name#2:str+! apiVersion#3:str
MetricSpec type#1:str+! object#2:*ObjectMetricSource pods#3:*PodsMetricSource
  resource#4:*ResourceMetricSource containerResource#7:*ContainerResourceMetricSource
  external#5:*ExternalMetricSource
HorizontalPodAutoscalerBehavior scaleUp#1:*HPAScalingRules scaleDown#2:*HPAScalingRules
HPAScalingRules stabilizationWindowSeconds#3:*i32 selectPolicy#1:*str policies#2:[]HPAScalingPolicy
HPAScalingPolicy type#1:str+! value#2:i32+! periodSeconds#3:i32+!
ObjectMetricSource describedObject#1:CrossVersionObjectReference+! target#2:MetricTarget+!
  metric#3:MetricIdentifier+!
PodsMetricSource metric#1:MetricIdentifier+! target#2:MetricTarget+!
ResourceMetricSource name#1:str+! target#2:MetricTarget+!
ContainerResourceMetricSource name#1:str+! target#2:MetricTarget+! container#3:str+!
ExternalMetricSource metric#1:MetricIdentifier+! target#2:MetricTarget+!
MetricIdentifier name#1:str+! selector#2:*meta.LabelSelector
MetricTarget type#1:str+! value#2:*quantity averageValue#3:*quantity averageUtilization#4:*i32
HorizontalPodAutoscalerStatus observedGeneration#1:*i64 lastScaleTime#2:*time currentReplicas#3:i32
  desiredReplicas#4:i32+! currentMetrics#5:[]MetricStatus+
  conditions#6:[]HorizontalPodAutoscalerCondition~merge(type)=map(type)
HorizontalPodAutoscalerCondition type#1:str+! status#2:str+! lastTransitionTime#3:time reason#4:str
  message#5:str
MetricStatus type#1:str+! object#2:*ObjectMetricStatus pods#3:*PodsMetricStatus
  resource#4:*ResourceMetricStatus containerResource#7:*ContainerResourceMetricStatus
  external#5:*ExternalMetricStatus
ObjectMetricStatus metric#1:MetricIdentifier+! current#2:MetricValueStatus+!
  describedObject#3:CrossVersionObjectReference+!
PodsMetricStatus metric#1:MetricIdentifier+! current#2:MetricValueStatus+!
ResourceMetricStatus name#1:str+! current#2:MetricValueStatus+!
ContainerResourceMetricStatus name#1:str+! current#2:MetricValueStatus+! container#3:str+!
ExternalMetricStatus metric#1:MetricIdentifier+! current#2:MetricValueStatus+!
MetricValueStatus value#1:*quantity averageValue#2:*quantity averageUtilization#3:*i32
`;

export const POLICY_TYPES = `
PodDisruptionBudgetSpec minAvailable#1:*intstr selector#2:*meta.LabelSelector~replace
  maxUnavailable#3:*intstr unhealthyPodEvictionPolicy#4:*str
PodDisruptionBudgetStatus observedGeneration#1:i64 disruptedPods#2:{}time disruptionsAllowed#3:i32+!
  currentHealthy#4:i32+! desiredHealthy#5:i32+! expectedPods#6:i32+!
  conditions#7:[]meta.Condition~merge(type)=map(type)
PodDisruptionBudget metadata#1:meta.ObjectMeta spec#2:PodDisruptionBudgetSpec
  status#3:PodDisruptionBudgetStatus
Eviction metadata#1:meta.ObjectMeta deleteOptions#2:*meta.DeleteOptions
`;
