// The notation is explained in ../notation.ts. Facts: the published field tags and markers of Kubernetes 1.32.

export const CORE_TYPES = `
Volume name#1:str+! ^volumeSource#2:VolumeSource
VolumeSource hostPath#1:*HostPathVolumeSource emptyDir#2:*EmptyDirVolumeSource
  gcePersistentDisk#3:*GCEPersistentDiskVolumeSource
  awsElasticBlockStore#4:*AWSElasticBlockStoreVolumeSource gitRepo#5:*GitRepoVolumeSource
  secret#6:*SecretVolumeSource nfs#7:*NFSVolumeSource iscsi#8:*ISCSIVolumeSource
  glusterfs#9:*GlusterfsVolumeSource persistentVolumeClaim#10:*PersistentVolumeClaimVolumeSource
  rbd#11:*RBDVolumeSource flexVolume#12:*FlexVolumeSource cinder#13:*CinderVolumeSource
  cephfs#14:*CephFSVolumeSource flocker#15:*FlockerVolumeSource downwardAPI#16:*DownwardAPIVolumeSource
  fc#17:*FCVolumeSource azureFile#18:*AzureFileVolumeSource configMap#19:*ConfigMapVolumeSource
  vsphereVolume#20:*VsphereVirtualDiskVolumeSource quobyte#21:*QuobyteVolumeSource
  azureDisk#22:*AzureDiskVolumeSource photonPersistentDisk#23:*PhotonPersistentDiskVolumeSource
  projected#26:*ProjectedVolumeSource portworxVolume#24:*PortworxVolumeSource
  scaleIO#25:*ScaleIOVolumeSource storageos#27:*StorageOSVolumeSource csi#28:*CSIVolumeSource
  ephemeral#29:*EphemeralVolumeSource image#30:*ImageVolumeSource
PersistentVolumeClaimVolumeSource claimName#1:str+! readOnly#2:bool
PersistentVolumeSource gcePersistentDisk#1:*GCEPersistentDiskVolumeSource
  awsElasticBlockStore#2:*AWSElasticBlockStoreVolumeSource hostPath#3:*HostPathVolumeSource
  glusterfs#4:*GlusterfsPersistentVolumeSource nfs#5:*NFSVolumeSource rbd#6:*RBDPersistentVolumeSource
  iscsi#7:*ISCSIPersistentVolumeSource cinder#8:*CinderPersistentVolumeSource
  cephfs#9:*CephFSPersistentVolumeSource fc#10:*FCVolumeSource flocker#11:*FlockerVolumeSource
  flexVolume#12:*FlexPersistentVolumeSource azureFile#13:*AzureFilePersistentVolumeSource
  vsphereVolume#14:*VsphereVirtualDiskVolumeSource quobyte#15:*QuobyteVolumeSource
  azureDisk#16:*AzureDiskVolumeSource photonPersistentDisk#17:*PhotonPersistentDiskVolumeSource
  portworxVolume#18:*PortworxVolumeSource scaleIO#19:*ScaleIOPersistentVolumeSource
  local#20:*LocalVolumeSource storageos#21:*StorageOSPersistentVolumeSource
  csi#22:*CSIPersistentVolumeSource
PersistentVolume metadata#1:meta.ObjectMeta spec#2:PersistentVolumeSpec status#3:PersistentVolumeStatus
PersistentVolumeSpec capacity#1:{}quantity ^persistentVolumeSource#2:PersistentVolumeSource
  accessModes#3:[]str claimRef#4:*ObjectReference persistentVolumeReclaimPolicy#5:str storageClassName#6:str
  mountOptions#7:[]str volumeMode#8:*str nodeAffinity#9:*VolumeNodeAffinity
  volumeAttributesClassName#10:*str
VolumeNodeAffinity required#1:*NodeSelector
PersistentVolumeStatus phase#1:str message#2:str reason#3:str lastPhaseTransitionTime#4:*time
PersistentVolumeClaim metadata#1:meta.ObjectMeta spec#2:PersistentVolumeClaimSpec
  status#3:PersistentVolumeClaimStatus
PersistentVolumeClaimSpec accessModes#1:[]str selector#4:*meta.LabelSelector
  resources#2:VolumeResourceRequirements volumeName#3:str storageClassName#5:*str volumeMode#6:*str
  dataSource#7:*TypedLocalObjectReference dataSourceRef#8:*TypedObjectReference
  volumeAttributesClassName#9:*str
TypedObjectReference apiGroup#1:*str+ kind#2:str+! name#3:str+! namespace#4:*str
ModifyVolumeStatus targetVolumeAttributesClassName#1:str status#2:str+!
PersistentVolumeClaimCondition type#1:str+! status#2:str+! lastProbeTime#3:time lastTransitionTime#4:time
  reason#5:str message#6:str
PersistentVolumeClaimStatus phase#1:str accessModes#2:[]str capacity#3:{}quantity
  conditions#4:[]PersistentVolumeClaimCondition~merge(type)=map(type) allocatedResources#5:{}quantity
  allocatedResourceStatuses#7:{}str currentVolumeAttributesClassName#8:*str
  modifyVolumeStatus#9:*ModifyVolumeStatus
HostPathVolumeSource path#1:str+! type#2:*str
EmptyDirVolumeSource medium#1:str sizeLimit#2:*quantity
GlusterfsVolumeSource endpoints#1:str+! path#2:str+! readOnly#3:bool
GlusterfsPersistentVolumeSource endpoints#1:str+! path#2:str+! readOnly#3:bool endpointsNamespace#4:*str
RBDVolumeSource monitors#1:[]str+! image#2:str+! fsType#3:str pool#4:str=default("rbd")
  user#5:str=default("admin") keyring#6:str=default("/etc/ceph/keyring") secretRef#7:*LocalObjectReference
  readOnly#8:bool
RBDPersistentVolumeSource monitors#1:[]str+! image#2:str+! fsType#3:str pool#4:str=default("rbd")
  user#5:str=default("admin") keyring#6:str=default("/etc/ceph/keyring") secretRef#7:*SecretReference
  readOnly#8:bool
CinderVolumeSource volumeID#1:str+! fsType#2:str readOnly#3:bool secretRef#4:*LocalObjectReference
CinderPersistentVolumeSource volumeID#1:str+! fsType#2:str readOnly#3:bool secretRef#4:*SecretReference
CephFSVolumeSource monitors#1:[]str+! path#2:str user#3:str secretFile#4:str
  secretRef#5:*LocalObjectReference readOnly#6:bool
SecretReference @atomic name#1:str namespace#2:str
CephFSPersistentVolumeSource monitors#1:[]str+! path#2:str user#3:str secretFile#4:str
  secretRef#5:*SecretReference readOnly#6:bool
FlockerVolumeSource datasetName#1:str datasetUUID#2:str
GCEPersistentDiskVolumeSource pdName#1:str+! fsType#2:str partition#3:i32 readOnly#4:bool
QuobyteVolumeSource registry#1:str+! volume#2:str+! readOnly#3:bool user#4:str group#5:str tenant#6:str
FlexPersistentVolumeSource driver#1:str+! fsType#2:str secretRef#3:*SecretReference readOnly#4:bool
  options#5:{}str
FlexVolumeSource driver#1:str+! fsType#2:str secretRef#3:*LocalObjectReference readOnly#4:bool
  options#5:{}str
AWSElasticBlockStoreVolumeSource volumeID#1:str+! fsType#2:str partition#3:i32 readOnly#4:bool
GitRepoVolumeSource repository#1:str+! revision#2:str directory#3:str
SecretVolumeSource secretName#1:str items#2:[]KeyToPath defaultMode#3:*i32 optional#4:*bool
SecretProjection ^localObjectReference#1:LocalObjectReference items#2:[]KeyToPath optional#4:*bool
NFSVolumeSource server#1:str+! path#2:str+! readOnly#3:bool
ISCSIVolumeSource targetPortal#1:str+! iqn#2:str+! lun#3:i32+! iscsiInterface#4:str=default("default")
  fsType#5:str readOnly#6:bool portals#7:[]str chapAuthDiscovery#8:bool chapAuthSession#11:bool
  secretRef#10:*LocalObjectReference initiatorName#12:*str
ISCSIPersistentVolumeSource targetPortal#1:str+! iqn#2:str+! lun#3:i32+!
  iscsiInterface#4:str=default("default") fsType#5:str readOnly#6:bool portals#7:[]str
  chapAuthDiscovery#8:bool chapAuthSession#11:bool secretRef#10:*SecretReference initiatorName#12:*str
FCVolumeSource targetWWNs#1:[]str lun#2:*i32 fsType#3:str readOnly#4:bool wwids#5:[]str
AzureFileVolumeSource secretName#1:str+! shareName#2:str+! readOnly#3:bool
AzureFilePersistentVolumeSource secretName#1:str+! shareName#2:str+! readOnly#3:bool secretNamespace#4:*str+
VsphereVirtualDiskVolumeSource volumePath#1:str+! fsType#2:str storagePolicyName#3:str storagePolicyID#4:str
PhotonPersistentDiskVolumeSource pdID#1:str+! fsType#2:str
AzureDiskVolumeSource diskName#1:str+! diskURI#2:str+! cachingMode#3:*str=default("ReadWrite")
  fsType#4:*str=default("ext4") readOnly#5:*bool=default(false) kind#6:*str=default("Shared")
PortworxVolumeSource volumeID#1:str+! fsType#2:str readOnly#3:bool
ScaleIOVolumeSource gateway#1:str+! system#2:str+! secretRef#3:*LocalObjectReference+! sslEnabled#4:bool
  protectionDomain#5:str storagePool#6:str storageMode#7:str=default("ThinProvisioned") volumeName#8:str
  fsType#9:str=default("xfs") readOnly#10:bool
ScaleIOPersistentVolumeSource gateway#1:str+! system#2:str+! secretRef#3:*SecretReference+!
  sslEnabled#4:bool protectionDomain#5:str storagePool#6:str storageMode#7:str=default("ThinProvisioned")
  volumeName#8:str fsType#9:str=default("xfs") readOnly#10:bool
StorageOSVolumeSource volumeName#1:str volumeNamespace#2:str fsType#3:str readOnly#4:bool
  secretRef#5:*LocalObjectReference
StorageOSPersistentVolumeSource volumeName#1:str volumeNamespace#2:str fsType#3:str readOnly#4:bool
  secretRef#5:*ObjectReference
ConfigMapVolumeSource ^localObjectReference#1:LocalObjectReference items#2:[]KeyToPath defaultMode#3:*i32
  optional#4:*bool
ConfigMapProjection ^localObjectReference#1:LocalObjectReference items#2:[]KeyToPath optional#4:*bool
ServiceAccountTokenProjection audience#1:str expirationSeconds#2:*i64 path#3:str+!
ClusterTrustBundleProjection name#1:*str signerName#2:*str labelSelector#3:*meta.LabelSelector
  optional#5:*bool path#4:str+!
ProjectedVolumeSource sources#1:[]VolumeProjection+ defaultMode#2:*i32
VolumeProjection secret#1:*SecretProjection downwardAPI#2:*DownwardAPIProjection
  configMap#3:*ConfigMapProjection serviceAccountToken#4:*ServiceAccountTokenProjection
  clusterTrustBundle#5:*ClusterTrustBundleProjection
KeyToPath key#1:str+! path#2:str+! mode#3:*i32
LocalVolumeSource path#1:str+! fsType#2:*str
CSIPersistentVolumeSource driver#1:str+! volumeHandle#2:str+! readOnly#3:bool fsType#4:str
  volumeAttributes#5:{}str controllerPublishSecretRef#6:*SecretReference
  nodeStageSecretRef#7:*SecretReference nodePublishSecretRef#8:*SecretReference
  controllerExpandSecretRef#9:*SecretReference nodeExpandSecretRef#10:*SecretReference
CSIVolumeSource driver#1:str+! readOnly#2:*bool fsType#3:*str volumeAttributes#4:{}str
  nodePublishSecretRef#5:*LocalObjectReference
EphemeralVolumeSource volumeClaimTemplate#1:*PersistentVolumeClaimTemplate
PersistentVolumeClaimTemplate metadata#1:meta.ObjectMeta spec#2:PersistentVolumeClaimSpec+!
ContainerPort name#1:str hostPort#2:i32 containerPort#3:i32+! protocol#4:str=default("TCP") hostIP#5:str
VolumeMount name#1:str+! readOnly#2:bool recursiveReadOnly#7:*str mountPath#3:str+! subPath#4:str
  mountPropagation#5:*str subPathExpr#6:str
VolumeDevice name#1:str+! devicePath#2:str+!
EnvVar name#1:str+! value#2:str valueFrom#3:*EnvVarSource
EnvVarSource fieldRef#1:*ObjectFieldSelector resourceFieldRef#2:*ResourceFieldSelector
  configMapKeyRef#3:*ConfigMapKeySelector secretKeyRef#4:*SecretKeySelector
ObjectFieldSelector @atomic apiVersion#1:str fieldPath#2:str+!
ResourceFieldSelector @atomic containerName#1:str resource#2:str+! divisor#3:quantity
ConfigMapKeySelector @atomic ^localObjectReference#1:LocalObjectReference key#2:str+! optional#3:*bool
SecretKeySelector @atomic ^localObjectReference#1:LocalObjectReference key#2:str+! optional#3:*bool
EnvFromSource prefix#1:str configMapRef#2:*ConfigMapEnvSource secretRef#3:*SecretEnvSource
ConfigMapEnvSource ^localObjectReference#1:LocalObjectReference optional#2:*bool
SecretEnvSource ^localObjectReference#1:LocalObjectReference optional#2:*bool
HTTPHeader name#1:str+! value#2:str+!
HTTPGetAction path#1:str port#2:intstr+! host#3:str scheme#4:str httpHeaders#5:[]HTTPHeader
TCPSocketAction port#1:intstr+! host#2:str
GRPCAction port#1:i32+! service#2:*str+=default("")
ExecAction command#1:[]str
SleepAction seconds#1:i64+!
Probe ^handler#1:ProbeHandler initialDelaySeconds#2:i32 timeoutSeconds#3:i32 periodSeconds#4:i32
  successThreshold#5:i32 failureThreshold#6:i32 terminationGracePeriodSeconds#7:*i64
ContainerResizePolicy resourceName#1:str+! restartPolicy#2:str+!
Capabilities add#1:[]str drop#2:[]str
ResourceRequirements limits#1:{}quantity requests#2:{}quantity claims#3:[]ResourceClaim=map(name)
VolumeResourceRequirements limits#1:{}quantity requests#2:{}quantity
ResourceClaim name#1:str+! request#2:str
Container name#1:str+! image#2:str command#3:[]str args#4:[]str workingDir#5:str
  ports#6:[]ContainerPort~merge(containerPort)=map(containerPort,protocol) envFrom#19:[]EnvFromSource
  env#7:[]EnvVar~merge(name)=map(name) resources#8:ResourceRequirements
  resizePolicy#23:[]ContainerResizePolicy restartPolicy#24:*str
  volumeMounts#9:[]VolumeMount~merge(mountPath)=map(mountPath)
  volumeDevices#21:[]VolumeDevice~merge(devicePath)=map(devicePath) livenessProbe#10:*Probe
  readinessProbe#11:*Probe startupProbe#22:*Probe lifecycle#12:*Lifecycle terminationMessagePath#13:str
  terminationMessagePolicy#20:str imagePullPolicy#14:str securityContext#15:*SecurityContext stdin#16:bool
  stdinOnce#17:bool tty#18:bool
ProbeHandler exec#1:*ExecAction httpGet#2:*HTTPGetAction tcpSocket#3:*TCPSocketAction grpc#4:*GRPCAction
LifecycleHandler exec#1:*ExecAction httpGet#2:*HTTPGetAction tcpSocket#3:*TCPSocketAction
  sleep#4:*SleepAction
Lifecycle postStart#1:*LifecycleHandler preStop#2:*LifecycleHandler
ContainerStateWaiting reason#1:str message#2:str
ContainerStateRunning startedAt#1:time
ContainerStateTerminated exitCode#1:i32+! signal#2:i32 reason#3:str message#4:str startedAt#5:time
  finishedAt#6:time containerID#7:str
ContainerState waiting#1:*ContainerStateWaiting running#2:*ContainerStateRunning
  terminated#3:*ContainerStateTerminated
ContainerStatus name#1:str+! state#2:ContainerState lastState#3:ContainerState ready#4:bool+!
  restartCount#5:i32+! image#6:str+! imageID#7:str+! containerID#8:str started#9:*bool
  allocatedResources#10:{}quantity resources#11:*ResourceRequirements
  volumeMounts#12:[]VolumeMountStatus~merge(mountPath)=map(mountPath) user#13:*ContainerUser
  allocatedResourcesStatus#14:[]ResourceStatus~merge(name)=map(name)
ResourceStatus name#1:str+! resources#2:[]ResourceHealth=map(resourceID)
ResourceHealth resourceID#1:str+! health#2:str
ContainerUser linux#1:*LinuxContainerUser
LinuxContainerUser uid#1:i64+! gid#2:i64+! supplementalGroups#3:[]i64
PodCondition type#1:str+! status#2:str+! lastProbeTime#3:time lastTransitionTime#4:time reason#5:str
  message#6:str
VolumeMountStatus name#1:str+! mountPath#2:str+! readOnly#3:bool recursiveReadOnly#4:*str
NodeSelector @atomic nodeSelectorTerms#1:[]NodeSelectorTerm+!
NodeSelectorTerm @atomic matchExpressions#1:[]NodeSelectorRequirement
  matchFields#2:[]NodeSelectorRequirement
NodeSelectorRequirement key#1:str+! operator#2:str+! values#3:[]str
TopologySelectorTerm @atomic matchLabelExpressions#1:[]TopologySelectorLabelRequirement
TopologySelectorLabelRequirement key#1:str+! values#2:[]str+!
Affinity nodeAffinity#1:*NodeAffinity podAffinity#2:*PodAffinity podAntiAffinity#3:*PodAntiAffinity
PodAffinity requiredDuringSchedulingIgnoredDuringExecution#1:[]PodAffinityTerm
  preferredDuringSchedulingIgnoredDuringExecution#2:[]WeightedPodAffinityTerm
PodAntiAffinity requiredDuringSchedulingIgnoredDuringExecution#1:[]PodAffinityTerm
  preferredDuringSchedulingIgnoredDuringExecution#2:[]WeightedPodAffinityTerm
WeightedPodAffinityTerm weight#1:i32+! podAffinityTerm#2:PodAffinityTerm+!
PodAffinityTerm labelSelector#1:*meta.LabelSelector namespaces#2:[]str topologyKey#3:str+!
  namespaceSelector#4:*meta.LabelSelector matchLabelKeys#5:[]str mismatchLabelKeys#6:[]str
NodeAffinity requiredDuringSchedulingIgnoredDuringExecution#1:*NodeSelector
  preferredDuringSchedulingIgnoredDuringExecution#2:[]PreferredSchedulingTerm
PreferredSchedulingTerm weight#1:i32+! preference#2:NodeSelectorTerm+!
Taint key#1:str+! value#2:str effect#3:str+! timeAdded#4:*time
Toleration key#1:str operator#2:str value#3:str effect#4:str tolerationSeconds#5:*i64
PodReadinessGate conditionType#1:str+!
PodSpec volumes#1:[]Volume~merge&retainKeys(name)=map(name)
  initContainers#20:[]Container~merge(name)=map(name) containers#2:[]Container+!~merge(name)=map(name)
  ephemeralContainers#34:[]EphemeralContainer~merge(name)=map(name) restartPolicy#3:str
  terminationGracePeriodSeconds#4:*i64 activeDeadlineSeconds#5:*i64 dnsPolicy#6:str
  nodeSelector#7:{}str=atomic serviceAccountName#8:str serviceAccount#9:str
  automountServiceAccountToken#21:*bool nodeName#10:str hostNetwork#11:bool hostPID#12:bool hostIPC#13:bool
  shareProcessNamespace#27:*bool securityContext#14:*PodSecurityContext
  imagePullSecrets#15:[]LocalObjectReference~merge(name)=map(name) hostname#16:str subdomain#17:str
  affinity#18:*Affinity schedulerName#19:str tolerations#22:[]Toleration
  hostAliases#23:[]HostAlias~merge(ip)=map(ip) priorityClassName#24:str priority#25:*i32
  dnsConfig#26:*PodDNSConfig readinessGates#28:[]PodReadinessGate runtimeClassName#29:*str
  enableServiceLinks#30:*bool preemptionPolicy#31:*str overhead#32:{}quantity
  topologySpreadConstraints#33:[]TopologySpreadConstraint~merge(topologyKey)=map(topologyKey,whenUnsatisfiable)
  setHostnameAsFQDN#35:*bool os#36:*PodOS hostUsers#37:*bool
  schedulingGates#38:[]PodSchedulingGate~merge(name)=map(name)
  resourceClaims#39:[]PodResourceClaim~merge&retainKeys(name)=map(name) resources#40:*ResourceRequirements
PodResourceClaim name#1:str+! resourceClaimName#3:*str resourceClaimTemplateName#4:*str
PodResourceClaimStatus name#1:str+! resourceClaimName#2:*str
PodOS name#1:str+!
PodSchedulingGate name#1:str+!
TopologySpreadConstraint maxSkew#1:i32+! topologyKey#2:str+! whenUnsatisfiable#3:str+!
  labelSelector#4:*meta.LabelSelector minDomains#5:*i32 nodeAffinityPolicy#6:*str nodeTaintsPolicy#7:*str
  matchLabelKeys#8:[]str
HostAlias ip#1:str+! hostnames#2:[]str
PodSecurityContext seLinuxOptions#1:*SELinuxOptions windowsOptions#8:*WindowsSecurityContextOptions
  runAsUser#2:*i64 runAsGroup#6:*i64 runAsNonRoot#3:*bool supplementalGroups#4:[]i64
  supplementalGroupsPolicy#12:*str fsGroup#5:*i64 sysctls#7:[]Sysctl fsGroupChangePolicy#9:*str
  seccompProfile#10:*SeccompProfile appArmorProfile#11:*AppArmorProfile seLinuxChangePolicy#13:*str
SeccompProfile type#1:str+! localhostProfile#2:*str
AppArmorProfile type#1:str+! localhostProfile#2:*str
PodDNSConfig nameservers#1:[]str searches#2:[]str options#3:[]PodDNSConfigOption
PodDNSConfigOption name#1:str value#2:*str
PodIP ip#1:str+!
HostIP ip#1:str+!
EphemeralContainerCommon name#1:str+! image#2:str command#3:[]str args#4:[]str workingDir#5:str
  ports#6:[]ContainerPort~merge(containerPort)=map(containerPort,protocol) envFrom#19:[]EnvFromSource
  env#7:[]EnvVar~merge(name)=map(name) resources#8:ResourceRequirements
  resizePolicy#23:[]ContainerResizePolicy restartPolicy#24:*str
  volumeMounts#9:[]VolumeMount~merge(mountPath)=map(mountPath)
  volumeDevices#21:[]VolumeDevice~merge(devicePath)=map(devicePath) livenessProbe#10:*Probe
  readinessProbe#11:*Probe startupProbe#22:*Probe lifecycle#12:*Lifecycle terminationMessagePath#13:str
  terminationMessagePolicy#20:str imagePullPolicy#14:str securityContext#15:*SecurityContext stdin#16:bool
  stdinOnce#17:bool tty#18:bool
EphemeralContainer ^EphemeralContainerCommon#1:EphemeralContainerCommon targetContainerName#2:str
PodStatus phase#1:str conditions#2:[]PodCondition~merge(type)=map(type) message#3:str reason#4:str
  nominatedNodeName#11:str hostIP#5:str hostIPs#16:[]HostIP~merge(ip) podIP#6:str
  podIPs#12:[]PodIP~merge(ip)=map(ip) startTime#7:*time initContainerStatuses#10:[]ContainerStatus
  containerStatuses#8:[]ContainerStatus qosClass#9:str ephemeralContainerStatuses#13:[]ContainerStatus
  resize#14:str resourceClaimStatuses#15:[]PodResourceClaimStatus~merge&retainKeys(name)=map(name)
PodStatusResult metadata#1:meta.ObjectMeta status#2:PodStatus
Pod metadata#1:meta.ObjectMeta spec#2:PodSpec status#3:PodStatus
PodTemplateSpec metadata#1:meta.ObjectMeta spec#2:PodSpec
PodTemplate metadata#1:meta.ObjectMeta template#2:PodTemplateSpec
ReplicationControllerSpec replicas#1:*i32 minReadySeconds#4:i32 selector#2:{}str=atomic
  template#3:*PodTemplateSpec
ReplicationControllerStatus replicas#1:i32+! fullyLabeledReplicas#2:i32 readyReplicas#4:i32
  availableReplicas#5:i32 observedGeneration#3:i64
  conditions#6:[]ReplicationControllerCondition~merge(type)=map(type)
ReplicationControllerCondition type#1:str+! status#2:str+! lastTransitionTime#3:time reason#4:str
  message#5:str
ReplicationController metadata#1:meta.ObjectMeta spec#2:ReplicationControllerSpec
  status#3:ReplicationControllerStatus
SessionAffinityConfig clientIP#1:*ClientIPConfig
ClientIPConfig timeoutSeconds#1:*i32
ServiceStatus loadBalancer#1:LoadBalancerStatus conditions#2:[]meta.Condition~merge(type)=map(type)
LoadBalancerStatus ingress#1:[]LoadBalancerIngress
LoadBalancerIngress ip#1:str hostname#2:str ipMode#3:*str ports#4:[]PortStatus
ServiceSpec ports#1:[]ServicePort~merge(port)=map(port,protocol) selector#2:{}str=atomic clusterIP#3:str
  clusterIPs#18:[]str type#4:str externalIPs#5:[]str sessionAffinity#7:str loadBalancerIP#8:str
  loadBalancerSourceRanges#9:[]str externalName#10:str externalTrafficPolicy#11:str
  healthCheckNodePort#12:i32 publishNotReadyAddresses#13:bool
  sessionAffinityConfig#14:*SessionAffinityConfig ipFamilies#19:[]str ipFamilyPolicy#17:*str
  allocateLoadBalancerNodePorts#20:*bool loadBalancerClass#21:*str internalTrafficPolicy#22:*str
  trafficDistribution#23:*str
ServicePort name#1:str protocol#2:str=default("TCP") appProtocol#6:*str port#3:i32+! targetPort#4:intstr
  nodePort#5:i32
Service metadata#1:meta.ObjectMeta spec#2:ServiceSpec status#3:ServiceStatus
ServiceAccount metadata#1:meta.ObjectMeta secrets#2:[]ObjectReference~merge(name)=map(name)
  imagePullSecrets#3:[]LocalObjectReference automountServiceAccountToken#4:*bool
Endpoints metadata#1:meta.ObjectMeta subsets#2:[]EndpointSubset
EndpointSubset addresses#1:[]EndpointAddress notReadyAddresses#2:[]EndpointAddress ports#3:[]EndpointPort
EndpointAddress @atomic ip#1:str+! hostname#3:str nodeName#4:*str targetRef#2:*ObjectReference
EndpointPort @atomic name#1:str port#2:i32+! protocol#3:str appProtocol#4:*str
NodeSpec podCIDR#1:str podCIDRs#7:[]str~merge=set providerID#3:str unschedulable#4:bool taints#5:[]Taint
  configSource#6:*NodeConfigSource externalID#2:str
NodeConfigSource configMap#2:*ConfigMapNodeConfigSource
ConfigMapNodeConfigSource namespace#1:str+! name#2:str+! uid#3:str resourceVersion#4:str
  kubeletConfigKey#5:str+!
DaemonEndpoint Port#1:i32+!
NodeDaemonEndpoints kubeletEndpoint#1:DaemonEndpoint
NodeRuntimeHandlerFeatures recursiveReadOnlyMounts#1:*bool userNamespaces#2:*bool
NodeRuntimeHandler name#1:str+ features#2:*NodeRuntimeHandlerFeatures
NodeFeatures supplementalGroupsPolicy#1:*bool
NodeSystemInfo machineID#1:str+! systemUUID#2:str+! bootID#3:str+! kernelVersion#4:str+! osImage#5:str+!
  containerRuntimeVersion#6:str+! kubeletVersion#7:str+! kubeProxyVersion#8:str+! operatingSystem#9:str+!
  architecture#10:str+!
NodeConfigStatus assigned#1:*NodeConfigSource active#2:*NodeConfigSource lastKnownGood#3:*NodeConfigSource
  error#4:str
NodeStatus capacity#1:{}quantity allocatable#2:{}quantity phase#3:str
  conditions#4:[]NodeCondition~merge(type)=map(type) addresses#5:[]NodeAddress~merge(type)=map(type)
  daemonEndpoints#6:NodeDaemonEndpoints nodeInfo#7:NodeSystemInfo images#8:[]ContainerImage
  volumesInUse#9:[]str volumesAttached#10:[]AttachedVolume config#11:*NodeConfigStatus
  runtimeHandlers#12:[]NodeRuntimeHandler features#13:*NodeFeatures
AttachedVolume name#1:str+! devicePath#2:str+!
ContainerImage names#1:[]str+ sizeBytes#2:i64
NodeCondition type#1:str+! status#2:str+! lastHeartbeatTime#3:time lastTransitionTime#4:time reason#5:str
  message#6:str
NodeAddress type#1:str+! address#2:str+!
Node metadata#1:meta.ObjectMeta spec#2:NodeSpec status#3:NodeStatus
NamespaceSpec finalizers#1:[]str
NamespaceStatus phase#1:str conditions#2:[]NamespaceCondition~merge(type)=map(type)
NamespaceCondition type#1:str+! status#2:str+! lastTransitionTime#4:time reason#5:str message#6:str
Namespace metadata#1:meta.ObjectMeta spec#2:NamespaceSpec status#3:NamespaceStatus
Binding metadata#1:meta.ObjectMeta target#2:ObjectReference+!
ComponentStatus metadata#1:meta.ObjectMeta conditions#2:[]ComponentCondition~merge(type)=map(type)
ComponentCondition type#1:str+! status#2:str+! message#3:str error#4:str
Preconditions uid#1:*str
ObjectReference @atomic kind#1:str namespace#2:str name#3:str uid#4:str apiVersion#5:str
  resourceVersion#6:str fieldPath#7:str
LocalObjectReference @atomic name#1:str=default("")
TypedLocalObjectReference @atomic apiGroup#1:*str+ kind#2:str+! name#3:str+!
EventSource component#1:str host#2:str
Event metadata#1:meta.ObjectMeta+! involvedObject#2:ObjectReference+! reason#3:str message#4:str
  source#5:EventSource firstTimestamp#6:time lastTimestamp#7:time count#8:i32 type#9:str eventTime#10:micro
  series#11:*EventSeries action#12:str related#13:*ObjectReference reportingComponent#14:str+
  reportingInstance#15:str+
EventSeries count#1:i32 lastObservedTime#2:micro
LimitRangeItem type#1:str+! max#2:{}quantity min#3:{}quantity default#4:{}quantity
  defaultRequest#5:{}quantity maxLimitRequestRatio#6:{}quantity
LimitRangeSpec limits#1:[]LimitRangeItem+!
LimitRange metadata#1:meta.ObjectMeta spec#2:LimitRangeSpec
ResourceQuotaSpec hard#1:{}quantity scopes#2:[]str scopeSelector#3:*ScopeSelector
ScopeSelector @atomic matchExpressions#1:[]ScopedResourceSelectorRequirement
ScopedResourceSelectorRequirement scopeName#1:str+! operator#2:str+! values#3:[]str
ResourceQuotaStatus hard#1:{}quantity used#2:{}quantity
ResourceQuota metadata#1:meta.ObjectMeta spec#2:ResourceQuotaSpec status#3:ResourceQuotaStatus
Secret metadata#1:meta.ObjectMeta immutable#5:*bool data#2:{}bytes stringData#4:{}str type#3:str
ConfigMap metadata#1:meta.ObjectMeta immutable#4:*bool data#2:{}str binaryData#3:{}bytes
DownwardAPIVolumeSource items#1:[]DownwardAPIVolumeFile defaultMode#2:*i32
DownwardAPIVolumeFile path#1:str+! fieldRef#2:*ObjectFieldSelector resourceFieldRef#3:*ResourceFieldSelector
  mode#4:*i32
DownwardAPIProjection items#1:[]DownwardAPIVolumeFile
SecurityContext capabilities#1:*Capabilities privileged#2:*bool seLinuxOptions#3:*SELinuxOptions
  windowsOptions#10:*WindowsSecurityContextOptions runAsUser#4:*i64 runAsGroup#8:*i64 runAsNonRoot#5:*bool
  readOnlyRootFilesystem#6:*bool allowPrivilegeEscalation#7:*bool procMount#9:*str
  seccompProfile#11:*SeccompProfile appArmorProfile#12:*AppArmorProfile
SELinuxOptions user#1:str role#2:str type#3:str level#4:str
WindowsSecurityContextOptions gmsaCredentialSpecName#1:*str gmsaCredentialSpec#2:*str runAsUserName#3:*str
  hostProcess#4:*bool
Sysctl name#1:str+! value#2:str+!
PortStatus port#1:i32+! protocol#2:str+! error#3:*str
ImageVolumeSource reference#1:str pullPolicy#2:str
`;
