// The notation is explained in ../notation.ts. Facts: the published field tags and markers of Kubernetes 1.32.

export const ADMISSION_REGISTRATION_TYPES = `
Rule apiGroups#1:[]str apiVersions#2:[]str resources#3:[]str scope#4:*str
ValidatingAdmissionPolicy metadata#1:meta.ObjectMeta spec#2:ValidatingAdmissionPolicySpec
  status#3:ValidatingAdmissionPolicyStatus
ValidatingAdmissionPolicyStatus observedGeneration#1:i64 typeChecking#2:*TypeChecking
  conditions#3:[]meta.Condition=map(type)
TypeChecking expressionWarnings#1:[]ExpressionWarning
ExpressionWarning fieldRef#2:str+! warning#3:str+!
ValidatingAdmissionPolicySpec paramKind#1:*ParamKind matchConstraints#2:*MatchResources
  validations#3:[]Validation failurePolicy#4:*str auditAnnotations#5:[]AuditAnnotation
  matchConditions#6:[]MatchCondition~merge(name)=map(name) variables#7:[]Variable~merge(name)=map(name)
ParamKind @atomic apiVersion#1:str kind#2:str
Validation expression#1:str+! message#2:str reason#3:*str messageExpression#4:str
Variable @atomic name#1:str+! expression#2:str+!
AuditAnnotation key#1:str+! valueExpression#2:str+!
ValidatingAdmissionPolicyBinding metadata#1:meta.ObjectMeta spec#2:ValidatingAdmissionPolicyBindingSpec
ValidatingAdmissionPolicyBindingSpec policyName#1:str paramRef#2:*ParamRef matchResources#3:*MatchResources
  validationActions#4:[]str=set
ParamRef @atomic name#1:str namespace#2:str selector#3:*meta.LabelSelector parameterNotFoundAction#4:*str
MatchResources @atomic namespaceSelector#1:*meta.LabelSelector objectSelector#2:*meta.LabelSelector
  resourceRules#3:[]NamedRuleWithOperations excludeResourceRules#4:[]NamedRuleWithOperations
  matchPolicy#7:*str
NamedRuleWithOperations @atomic resourceNames#1:[]str ^ruleWithOperations#2:RuleWithOperations
ValidatingWebhookConfiguration metadata#1:meta.ObjectMeta
  webhooks#2:[]ValidatingWebhook~merge(name)=map(name)
MutatingWebhookConfiguration metadata#1:meta.ObjectMeta webhooks#2:[]MutatingWebhook~merge(name)=map(name)
ValidatingWebhook name#1:str+! clientConfig#2:WebhookClientConfig+! rules#3:[]RuleWithOperations
  failurePolicy#4:*str matchPolicy#9:*str namespaceSelector#5:*meta.LabelSelector
  objectSelector#10:*meta.LabelSelector sideEffects#6:*str+! timeoutSeconds#7:*i32
  admissionReviewVersions#8:[]str+! matchConditions#11:[]MatchCondition~merge(name)=map(name)
MutatingWebhook name#1:str+! clientConfig#2:WebhookClientConfig+! rules#3:[]RuleWithOperations
  failurePolicy#4:*str matchPolicy#9:*str namespaceSelector#5:*meta.LabelSelector
  objectSelector#11:*meta.LabelSelector sideEffects#6:*str+! timeoutSeconds#7:*i32
  admissionReviewVersions#8:[]str+! reinvocationPolicy#10:*str
  matchConditions#12:[]MatchCondition~merge(name)=map(name)
RuleWithOperations operations#1:[]str ^rule#2:Rule
WebhookClientConfig url#3:*str service#1:*ServiceReference caBundle#2:bytes
ServiceReference namespace#1:str+! name#2:str+! path#3:*str port#4:*i32
MatchCondition name#1:str+! expression#2:str+!
`;

export const API_EXTENSIONS_TYPES = `
CustomResourceDefinitionSpec group#1:str+! names#3:CustomResourceDefinitionNames+! scope#4:str+!
  versions#7:[]CustomResourceDefinitionVersion+! conversion#9:*CustomResourceConversion
  preserveUnknownFields#10:bool
CustomResourceConversion strategy#1:str+! webhook#2:*WebhookConversion
WebhookConversion clientConfig#2:*WebhookClientConfig conversionReviewVersions#3:[]str+!
WebhookClientConfig url#3:*str service#1:*ServiceReference caBundle#2:bytes
ServiceReference namespace#1:str+! name#2:str+! path#3:*str port#4:*i32
CustomResourceDefinitionVersion name#1:str+! served#2:bool+! storage#3:bool+! deprecated#7:bool
  deprecationWarning#8:*str schema#4:*CustomResourceValidation subresources#5:*CustomResourceSubresources
  additionalPrinterColumns#6:[]CustomResourceColumnDefinition selectableFields#9:[]SelectableField
SelectableField jsonPath#1:str+!
CustomResourceColumnDefinition name#1:str+! type#2:str+! format#3:str description#4:str priority#5:i32
  jsonPath#6:str+!
CustomResourceDefinitionNames plural#1:str+! singular#2:str shortNames#3:[]str kind#4:str+! listKind#5:str
  categories#6:[]str
CustomResourceDefinitionCondition type#1:str+! status#2:str+! lastTransitionTime#3:time reason#4:str
  message#5:str
CustomResourceDefinitionStatus conditions#1:[]CustomResourceDefinitionCondition+=map(type)
  acceptedNames#2:CustomResourceDefinitionNames+ storedVersions#3:[]str+
CustomResourceDefinition metadata#1:meta.ObjectMeta spec#2:CustomResourceDefinitionSpec+!
  status#3:CustomResourceDefinitionStatus
CustomResourceValidation openAPIV3Schema#1:*JSONSchemaProps
CustomResourceSubresources status#1:*any scale#2:*CustomResourceSubresourceScale
CustomResourceSubresourceScale specReplicasPath#1:str+! statusReplicasPath#2:str+! labelSelectorPath#3:*str
JSONSchemaProps id#1:str $schema#2:str $ref#3:*str description#4:str type#5:str format#6:str title#7:str
  default#8:*any maximum#9:*f64 exclusiveMaximum#10:bool minimum#11:*f64 exclusiveMinimum#12:bool
  maxLength#13:*i64 minLength#14:*i64 pattern#15:str maxItems#16:*i64 minItems#17:*i64 uniqueItems#18:bool
  multipleOf#19:*f64 enum#20:[]any maxProperties#21:*i64 minProperties#22:*i64 required#23:[]str
  items#24:*any allOf#25:[]JSONSchemaProps oneOf#26:[]JSONSchemaProps anyOf#27:[]JSONSchemaProps
  not#28:*JSONSchemaProps properties#29:{}JSONSchemaProps additionalProperties#30:*any
  patternProperties#31:{}JSONSchemaProps dependencies#32:{}any additionalItems#33:*any
  definitions#34:{}JSONSchemaProps externalDocs#35:*ExternalDocumentation example#36:*any nullable#37:bool
  x-kubernetes-preserve-unknown-fields#38:*bool x-kubernetes-embedded-resource#39:bool
  x-kubernetes-int-or-string#40:bool x-kubernetes-list-map-keys#41:[]str x-kubernetes-list-type#42:*str
  x-kubernetes-map-type#43:*str x-kubernetes-validations#44:[]ValidationRule~merge(rule)=map(rule)
ValidationRule rule#1:str+! message#2:str messageExpression#3:str reason#4:*str fieldPath#5:str
  optionalOldSelf#6:*bool
ExternalDocumentation description#1:str url#2:str
`;
