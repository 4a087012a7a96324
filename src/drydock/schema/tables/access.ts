// The notation is explained in ../notation.ts. Facts: the published field tags and markers of Kubernetes 1.32.

export const AUTHENTICATION_TYPES = `
TokenReview metadata#1:meta.ObjectMeta spec#2:TokenReviewSpec+! status#3:TokenReviewStatus
TokenReviewSpec token#1:str audiences#2:[]str
TokenReviewStatus authenticated#1:bool user#2:UserInfo audiences#4:[]str error#3:str
UserInfo username#1:str uid#2:str groups#3:[]str extra#4:{}[]str
TokenRequest metadata#1:meta.ObjectMeta spec#2:TokenRequestSpec+! status#3:TokenRequestStatus
TokenRequestSpec audiences#1:[]str+! expirationSeconds#4:*i64+ boundObjectRef#3:*BoundObjectReference+
TokenRequestStatus token#1:str+! expirationTimestamp#2:time+!
BoundObjectReference kind#1:str apiVersion#2:str name#3:str uid#4:str
SelfSubjectReview metadata#1:meta.ObjectMeta status#2:SelfSubjectReviewStatus
SelfSubjectReviewStatus userInfo#1:UserInfo
`;

export const AUTHORIZATION_TYPES = `
SubjectAccessReview metadata#1:meta.ObjectMeta spec#2:SubjectAccessReviewSpec+!
  status#3:SubjectAccessReviewStatus
SelfSubjectAccessReview metadata#1:meta.ObjectMeta spec#2:SelfSubjectAccessReviewSpec+!
  status#3:SubjectAccessReviewStatus
LocalSubjectAccessReview metadata#1:meta.ObjectMeta spec#2:SubjectAccessReviewSpec+!
  status#3:SubjectAccessReviewStatus
ResourceAttributes namespace#1:str verb#2:str group#3:str version#4:str resource#5:str subresource#6:str
  name#7:str fieldSelector#8:*FieldSelectorAttributes labelSelector#9:*LabelSelectorAttributes
LabelSelectorAttributes rawSelector#1:str requirements#2:[]meta.LabelSelectorRequirement
FieldSelectorAttributes rawSelector#1:str requirements#2:[]meta.FieldSelectorRequirement
NonResourceAttributes path#1:str verb#2:str
SubjectAccessReviewSpec resourceAttributes#1:*ResourceAttributes
  nonResourceAttributes#2:*NonResourceAttributes user#3:str groups#4:[]str extra#5:{}[]str uid#6:str
SelfSubjectAccessReviewSpec resourceAttributes#1:*ResourceAttributes
  nonResourceAttributes#2:*NonResourceAttributes
SubjectAccessReviewStatus allowed#1:bool+! denied#4:bool reason#2:str evaluationError#3:str
SelfSubjectRulesReview metadata#1:meta.ObjectMeta spec#2:SelfSubjectRulesReviewSpec+!
  status#3:SubjectRulesReviewStatus
SelfSubjectRulesReviewSpec namespace#1:str
SubjectRulesReviewStatus resourceRules#1:[]ResourceRule+! nonResourceRules#2:[]NonResourceRule+!
  incomplete#3:bool+! evaluationError#4:str
ResourceRule verbs#1:[]str+! apiGroups#2:[]str resources#3:[]str resourceNames#4:[]str
NonResourceRule verbs#1:[]str+! nonResourceURLs#2:[]str
`;
