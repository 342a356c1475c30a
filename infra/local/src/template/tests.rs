use super::*;
use crate::schedule::Expression;

fn template() -> Template {
    Template::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../template.yaml")).unwrap()
}

#[test]
fn the_table_is_the_template_s_own() {
    let request = template().create_table("local");
    assert_eq!(request["TableName"], "local");
    assert_eq!(request["KeySchema"][0]["AttributeName"], "PK");
    assert_eq!(request["StreamSpecification"]["StreamEnabled"], true);
    assert_eq!(request["StreamSpecification"]["StreamViewType"], "NEW_AND_OLD_IMAGES");
    let ttl = template().time_to_live("local").unwrap();
    assert_eq!(ttl["TimeToLiveSpecification"]["AttributeName"], "expires_at");
}

#[test]
fn functions_have_their_routes_and_variables() {
    let functions = template().functions;
    let sessions = &functions["sessions"];
    let login = Route { method: "ANY".to_owned(), path: "/api/login".to_owned() };
    assert!(sessions.routes.contains(&login));
    assert!(sessions.variables.contains(&"TABLE_NAME".to_owned()));
    assert!(functions["operator"].routes.is_empty());
}

#[test]
fn the_sweep_has_its_schedule() {
    let [schedule] = template().functions["retention-sweep"].schedules.clone().try_into().unwrap();
    assert_eq!(schedule.expression, Expression::parse("rate(1 hour)").unwrap());
    assert_eq!(schedule.input, json!({}));
}

#[test]
fn an_event_that_nobody_would_bring_is_refused() {
    let text = "Resources:
  Table: {Type: 'AWS::DynamoDB::Table', Properties: {}}
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      GenerateSecretString: {SecretStringTemplate: '{}', GenerateStringKey: k, PasswordLength: 1}
  NotificationSecret: {Type: AWS::SecretsManager::Secret}
  Function:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/queue, Events: {Queue: {Type: SQS}}}";
    let error = Template::parse(text).unwrap_err().to_string();
    assert_eq!(error, "template.yaml: queue: the local stack has no events of type SQS");
    let template = Template::parse(&text.replace("SQS", "EventBridgeRule")).unwrap();
    assert!(template.has_notification_secret);
}

#[test]
fn the_secret_s_shape_is_read() {
    let secret = template().secret;
    assert_eq!(secret.template, r#"{"current":"k1"}"#);
    assert_eq!((secret.key.as_str(), secret.length), ("k1", 64));
}

#[test]
fn a_template_without_a_table_is_refused() {
    assert!(matches!(Template::parse("Resources: {}"), Err(Error::Template(_))));
}
