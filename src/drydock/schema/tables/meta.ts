// The notation is explained in ../notation.ts. Facts: the published field tags and markers of Kubernetes 1.32.

export const META_TYPES = `
ObjectMeta name#1:str generateName#2:str namespace#3:str selfLink#4:str uid#5:str resourceVersion#6:str
  generation#7:i64 creationTimestamp#8:time deletionTimestamp#9:*time deletionGracePeriodSeconds#10:*i64
  labels#11:{}str annotations#12:{}str ownerReferences#13:[]OwnerReference~merge(uid)=map(uid)
  finalizers#14:[]str~merge=set managedFields#17:[]ManagedFieldsEntry
OwnerReference @atomic apiVersion#5:str+! kind#1:str+! name#3:str+! uid#4:str+! controller#6:*bool
  blockOwnerDeletion#7:*bool
DeleteOptions gracePeriodSeconds#1:*i64 preconditions#2:*Preconditions orphanDependents#3:*bool
  propagationPolicy#4:*str dryRun#5:[]str ignoreStoreReadErrorWithClusterBreakingPotential#6:*bool
Preconditions uid#1:*str resourceVersion#2:*str
StatusDetails name#1:str group#2:str kind#3:str uid#6:str causes#4:[]StatusCause retryAfterSeconds#5:i32
StatusCause reason#1:str message#2:str field#3:str
LabelSelector @atomic matchLabels#1:{}str matchExpressions#2:[]LabelSelectorRequirement
LabelSelectorRequirement key#1:str+! operator#2:str+! values#3:[]str
FieldSelectorRequirement key#1:str+! operator#2:str+! values#3:[]str
ManagedFieldsEntry manager#1:str operation#2:str apiVersion#3:str time#4:*time fieldsType#6:str
  fieldsV1#7:*any subresource#8:str
Condition type#1:str+! status#2:str+! observedGeneration#3:i64 lastTransitionTime#4:time+! reason#5:str+!
  message#6:str+!
`;
