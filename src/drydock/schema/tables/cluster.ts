// The notation is explained in ../notation.ts. Facts: the published field tags and markers of Kubernetes 1.32.

export const RBAC_TYPES = `
PolicyRule verbs#1:[]str+! apiGroups#2:[]str resources#3:[]str resourceNames#4:[]str nonResourceURLs#5:[]str
Subject @atomic kind#1:str+! apiGroup#2:str name#3:str+! namespace#4:str
RoleRef @atomic apiGroup#1:str+! kind#2:str+! name#3:str+!
Role metadata#1:meta.ObjectMeta rules#2:[]PolicyRule+
RoleBinding metadata#1:meta.ObjectMeta subjects#2:[]Subject roleRef#3:RoleRef+!
ClusterRole metadata#1:meta.ObjectMeta rules#2:[]PolicyRule+ aggregationRule#3:*AggregationRule
AggregationRule clusterRoleSelectors#1:[]meta.LabelSelector
ClusterRoleBinding metadata#1:meta.ObjectMeta subjects#2:[]Subject roleRef#3:RoleRef+!
`;

export const NETWORKING_TYPES = `
NetworkPolicy metadata#1:meta.ObjectMeta spec#2:NetworkPolicySpec
NetworkPolicySpec podSelector#1:meta.LabelSelector+! ingress#2:[]NetworkPolicyIngressRule
  egress#3:[]NetworkPolicyEgressRule policyTypes#4:[]str
NetworkPolicyIngressRule ports#1:[]NetworkPolicyPort from#2:[]NetworkPolicyPeer
NetworkPolicyEgressRule ports#1:[]NetworkPolicyPort to#2:[]NetworkPolicyPeer
NetworkPolicyPort protocol#1:*str port#2:*intstr endPort#3:*i32
IPBlock cidr#1:str+! except#2:[]str
NetworkPolicyPeer podSelector#1:*meta.LabelSelector namespaceSelector#2:*meta.LabelSelector
  ipBlock#3:*IPBlock
Ingress metadata#1:meta.ObjectMeta spec#2:IngressSpec status#3:IngressStatus
IngressSpec ingressClassName#4:*str defaultBackend#1:*IngressBackend tls#2:[]IngressTLS
  rules#3:[]IngressRule
IngressTLS hosts#1:[]str secretName#2:str
IngressStatus loadBalancer#1:IngressLoadBalancerStatus
IngressLoadBalancerStatus ingress#1:[]IngressLoadBalancerIngress
IngressLoadBalancerIngress ip#1:str hostname#2:str ports#4:[]IngressPortStatus
IngressPortStatus port#1:i32+! protocol#2:str+! error#3:*str
IngressRule host#1:str ^ingressRuleValue#2:IngressRuleValue
IngressRuleValue http#1:*HTTPIngressRuleValue
HTTPIngressRuleValue paths#1:[]HTTPIngressPath+!
HTTPIngressPath path#1:str pathType#3:*str+! backend#2:IngressBackend+!
IngressBackend service#4:*IngressServiceBackend resource#3:*core.TypedLocalObjectReference
IngressServiceBackend name#1:str+! port#2:ServiceBackendPort
ServiceBackendPort @atomic name#1:str number#2:i32
IngressClass metadata#1:meta.ObjectMeta spec#2:IngressClassSpec
IngressClassSpec controller#1:str parameters#2:*IngressClassParametersReference
IngressClassParametersReference apiGroup#1:*str kind#2:str+! name#3:str+! scope#4:*str+ namespace#5:*str
`;

export const DISCOVERY_TYPES = `
EndpointSlice metadata#1:meta.ObjectMeta addressType#4:str+! endpoints#2:[]Endpoint+!
  ports#3:[]EndpointPort+
Endpoint addresses#1:[]str+!=set conditions#2:EndpointConditions hostname#3:*str
  targetRef#4:*core.ObjectReference deprecatedTopology#5:{}str nodeName#6:*str zone#7:*str
  hints#8:*EndpointHints
EndpointConditions ready#1:*bool serving#2:*bool terminating#3:*bool
EndpointHints forZones#1:[]ForZone
ForZone name#1:str+!
EndpointPort @atomic name#1:*str protocol#2:*str port#3:*i32 appProtocol#4:*str
`;

export const EVENTS_TYPES = `
Event metadata#1:meta.ObjectMeta+ eventTime#2:micro+! series#3:*EventSeries reportingController#4:str
  reportingInstance#5:str action#6:str reason#7:str regarding#8:core.ObjectReference
  related#9:*core.ObjectReference note#10:str type#11:str deprecatedSource#12:core.EventSource
  deprecatedFirstTimestamp#13:time deprecatedLastTimestamp#14:time deprecatedCount#15:i32
EventSeries count#1:i32+! lastObservedTime#2:micro+!
`;

export const COORDINATION_TYPES = `
Lease metadata#1:meta.ObjectMeta spec#2:LeaseSpec
LeaseSpec holderIdentity#1:*str leaseDurationSeconds#2:*i32 acquireTime#3:*micro renewTime#4:*micro
  leaseTransitions#5:*i32 strategy#6:*str preferredHolder#7:*str
`;

export const SCHEDULING_TYPES = `
PriorityClass metadata#1:meta.ObjectMeta value#2:i32+! globalDefault#3:bool description#4:str
  preemptionPolicy#5:*str
`;

export const STORAGE_TYPES = `
StorageClass metadata#1:meta.ObjectMeta provisioner#2:str+! parameters#3:{}str reclaimPolicy#4:*str
  mountOptions#5:[]str allowVolumeExpansion#6:*bool volumeBindingMode#7:*str
  allowedTopologies#8:[]core.TopologySelectorTerm
VolumeAttachment metadata#1:meta.ObjectMeta spec#2:VolumeAttachmentSpec+! status#3:VolumeAttachmentStatus
VolumeAttachmentSpec attacher#1:str+! source#2:VolumeAttachmentSource+! nodeName#3:str+!
VolumeAttachmentSource persistentVolumeName#1:*str inlineVolumeSpec#2:*core.PersistentVolumeSpec
VolumeAttachmentStatus attached#1:bool+! attachmentMetadata#2:{}str attachError#3:*VolumeError
  detachError#4:*VolumeError
VolumeError time#1:time message#2:str
CSIDriver metadata#1:meta.ObjectMeta spec#2:CSIDriverSpec+!
CSIDriverSpec attachRequired#1:*bool podInfoOnMount#2:*bool volumeLifecycleModes#3:[]str=set
  storageCapacity#4:*bool fsGroupPolicy#5:*str tokenRequests#6:[]TokenRequest requiresRepublish#7:*bool
  seLinuxMount#8:*bool
TokenRequest audience#1:str+! expirationSeconds#2:*i64
CSINode metadata#1:meta.ObjectMeta spec#2:CSINodeSpec+!
CSINodeSpec drivers#1:[]CSINodeDriver+!~merge(name)=map(name)
CSINodeDriver name#1:str+! nodeID#2:str+! topologyKeys#3:[]str+ allocatable#4:*VolumeNodeResources
VolumeNodeResources count#1:*i32
CSIStorageCapacity metadata#1:meta.ObjectMeta nodeTopology#2:*meta.LabelSelector storageClassName#3:str+!
  capacity#4:*quantity maximumVolumeSize#5:*quantity
`;

export const NODE_TYPES = `
RuntimeClass metadata#1:meta.ObjectMeta handler#2:str+! overhead#3:*Overhead scheduling#4:*Scheduling
Overhead podFixed#1:{}quantity
Scheduling nodeSelector#1:{}str=atomic tolerations#2:[]core.Toleration
`;

export const CERTIFICATES_TYPES = `
CertificateSigningRequest metadata#1:meta.ObjectMeta spec#2:CertificateSigningRequestSpec+!
  status#3:CertificateSigningRequestStatus
CertificateSigningRequestSpec request#1:bytes+! signerName#7:str+! expirationSeconds#8:*i32 usages#5:[]str
  username#2:str uid#3:str groups#4:[]str extra#6:{}[]str
CertificateSigningRequestStatus conditions#1:[]CertificateSigningRequestCondition=map(type)
  certificate#2:bytes
CertificateSigningRequestCondition type#1:str+! status#6:str+! reason#2:str message#3:str
  lastUpdateTime#4:time lastTransitionTime#5:time
`;

export const FLOWCONTROL_TYPES = `
FlowSchema metadata#1:meta.ObjectMeta spec#2:FlowSchemaSpec status#3:FlowSchemaStatus
FlowSchemaSpec priorityLevelConfiguration#1:PriorityLevelConfigurationReference+! matchingPrecedence#2:i32+
  distinguisherMethod#3:*FlowDistinguisherMethod rules#4:[]PolicyRulesWithSubjects=atomic
PriorityLevelConfigurationReference name#1:str+!
FlowDistinguisherMethod type#1:str+!
PolicyRulesWithSubjects subjects#1:[]Subject+!=atomic resourceRules#2:[]ResourcePolicyRule=atomic
  nonResourceRules#3:[]NonResourcePolicyRule=atomic
Subject kind#1:str+! user#2:*UserSubject group#3:*GroupSubject serviceAccount#4:*ServiceAccountSubject
UserSubject name#1:str+!
GroupSubject name#1:str+!
ServiceAccountSubject namespace#1:str+! name#2:str+!
ResourcePolicyRule verbs#1:[]str+!=set apiGroups#2:[]str+!=set resources#3:[]str+!=set clusterScope#4:bool
  namespaces#5:[]str=set
NonResourcePolicyRule verbs#1:[]str+!=set nonResourceURLs#6:[]str+!=set
FlowSchemaStatus conditions#1:[]FlowSchemaCondition~merge(type)=map(type)
FlowSchemaCondition type#1:str status#2:str lastTransitionTime#3:time reason#4:str message#5:str
PriorityLevelConfiguration metadata#1:meta.ObjectMeta spec#2:PriorityLevelConfigurationSpec
  status#3:PriorityLevelConfigurationStatus
PriorityLevelConfigurationSpec type#1:str+! limited#2:*LimitedPriorityLevelConfiguration
  exempt#3:*ExemptPriorityLevelConfiguration
LimitedPriorityLevelConfiguration nominalConcurrencyShares#1:*i32 limitResponse#2:LimitResponse
  lendablePercent#3:*i32 borrowingLimitPercent#4:*i32
ExemptPriorityLevelConfiguration nominalConcurrencyShares#1:*i32 lendablePercent#2:*i32
LimitResponse type#1:str+! queuing#2:*QueuingConfiguration
QueuingConfiguration queues#1:i32+ handSize#2:i32+ queueLengthLimit#3:i32+
PriorityLevelConfigurationStatus conditions#1:[]PriorityLevelConfigurationCondition~merge(type)=map(type)
PriorityLevelConfigurationCondition type#1:str status#2:str lastTransitionTime#3:time reason#4:str message#5:str
`;

export const API_REGISTRATION_TYPES = `
APIService metadata#1:meta.ObjectMeta spec#2:APIServiceSpec status#3:APIServiceStatus
APIServiceSpec service#1:*ServiceReference group#2:str version#3:str insecureSkipTLSVerify#4:bool
  caBundle#5:bytes=atomic groupPriorityMinimum#7:i32+! versionPriority#8:i32+!
ServiceReference namespace#1:str name#2:str port#3:*i32
APIServiceStatus conditions#1:[]APIServiceCondition~merge(type)=map(type)
APIServiceCondition type#1:str+! status#2:str+! lastTransitionTime#3:time reason#4:str message#5:str
`;
