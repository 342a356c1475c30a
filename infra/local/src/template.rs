//! `template.yaml`, as far as the local stack stands in for AWS: the table, the secret, and the
//! functions with their routes. What is read here is written down nowhere else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::{Map, Value, json};
use yaml_serde::Value as Yaml;

use crate::{
    error::Error,
    events::{self, Schedule, Stream},
};

/// The logical id of the secret that notifications are sent with.
const NOTIFICATION_SECRET: &str = "NotificationSecret";

/// What the template says.
#[derive(Debug)]
pub struct Template {
    /// The functions by name: the last part of their `CodeUri`, which is their binary's name.
    pub functions: BTreeMap<String, Function>,
    /// The table's properties.
    table: Map<String, Value>,
    /// How the secret's value is generated.
    pub secret: SecretShape,
    /// Whether there is a secret that notifications are sent with.
    pub has_notification_secret: bool,
}

/// A function.
#[derive(Debug, Default, PartialEq)]
pub struct Function {
    /// Its HTTP routes.
    pub routes: Vec<Route>,
    /// The names of its environment's variables.
    pub variables: Vec<String>,
    /// The actions that it may take at the table, each with the beginning of the partition keys that
    /// it may take them at.
    pub grants: BTreeSet<(String, String)>,
    /// When it is invoked by the clock.
    pub schedules: Vec<Schedule>,
    /// What it is handed of the table's stream.
    pub streams: Vec<Stream>,
}

/// A method and a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// `ANY`, or one method.
    pub method: String,
    /// The path, with `{names}` in it.
    pub path: String,
}

/// How a secret's value is generated: a JSON object to which one random text is added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretShape {
    /// The object without the random text.
    pub template: String,
    /// The name under which the text is added.
    pub key: String,
    /// How many characters the text has.
    pub length: usize,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// [`Error::Template`] where it has not just one table and one secret of the functions' keys, or an
    /// event that is not understood.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(Error::io(path.display().to_string()))?;
        Self::parse(&text)
    }

    /// Reads a template's text.
    ///
    /// # Errors
    /// As [`Template::load`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let yaml: Yaml =
            yaml_serde::from_str(text).map_err(|error| Error::Template(error.to_string()))?;
        let template = plain(yaml);
        let resources = template["Resources"].as_object().cloned().unwrap_or_default();
        let of_type = |kind: &'static str| {
            let found = resources.iter().filter(move |(_, it)| it["Type"] == kind);
            found.map(|(id, it)| (id.as_str(), &it["Properties"]))
        };
        let only = |kind: &'static str| {
            let mut found = of_type(kind).filter(|(id, _)| *id != NOTIFICATION_SECRET);
            match (found.next(), found.next()) {
                (Some(one), None) => Ok(one),
                _ => Err(Error::Template(format!("expected just one {kind}"))),
            }
        };
        let (table_id, table) = only("AWS::DynamoDB::Table")?;
        let secret = secret(&only("AWS::SecretsManager::Secret")?.1["GenerateSecretString"])?;
        let globals = variables(&template["Globals"]["Function"]);
        let stream = format!("{table_id}.StreamArn");
        let functions = of_type("AWS::Serverless::Function")
            .map(|(_, properties)| {
                let policies = policies(properties, &resources);
                function(properties, &policies, &globals, &stream)
            })
            .collect::<Result<_, _>>()?;
        let table = table.as_object().cloned().unwrap_or_default();
        let has_notification_secret = resources.contains_key(NOTIFICATION_SECRET);
        Ok(Self { functions, table, secret, has_notification_secret })
    }

    /// The table's `CreateTable` request, under a name of its own.
    #[must_use]
    pub fn create_table(&self, name: &str) -> Value {
        let mut request = Map::from_iter([("TableName".to_owned(), json!(name))]);
        for property in
            ["KeySchema", "AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes"]
        {
            if let Some(value) = self.table.get(property) {
                request.insert(property.to_owned(), value.clone());
            }
        }
        if let Some(stream) = self.table.get("StreamSpecification") {
            // CloudFormation leaves out what the API asks for: that there shall be a stream.
            let mut stream = stream.clone();
            stream["StreamEnabled"] = true.into();
            request.insert("StreamSpecification".to_owned(), stream);
        }
        request.into()
    }

    /// The table's `UpdateTable` requests, one for each index, for a table that was made before the
    /// template had it; with the indexes' names.
    #[must_use]
    pub fn create_indexes(&self, name: &str) -> Vec<(String, Value)> {
        let indexes = self.table.get("GlobalSecondaryIndexes").and_then(Value::as_array);
        let requests = indexes.into_iter().flatten().map(|index| {
            let request = json!({
                "TableName": name,
                "AttributeDefinitions": self.table.get("AttributeDefinitions"),
                "GlobalSecondaryIndexUpdates": [{"Create": index}],
            });
            (index["IndexName"].as_str().unwrap_or_default().to_owned(), request)
        });
        requests.collect()
    }

    /// The table's `UpdateTimeToLive` request, if it has a TTL attribute.
    #[must_use]
    pub fn time_to_live(&self, name: &str) -> Option<Value> {
        let specification = self.table.get("TimeToLiveSpecification")?;
        Some(json!({"TableName": name, "TimeToLiveSpecification": specification}))
    }
}

fn secret(shape: &Value) -> Result<SecretShape, Error> {
    let missing = || Error::Template("the secret's GenerateSecretString is incomplete".to_owned());
    let text = |name: &str| shape[name].as_str().map(ToOwned::to_owned).ok_or_else(missing);
    let length = shape["PasswordLength"].as_u64().and_then(|length| usize::try_from(length).ok());
    Ok(SecretShape {
        template: text("SecretStringTemplate")?,
        key: text("GenerateStringKey")?,
        length: length.ok_or_else(missing)?,
    })
}

/// A function's policies: its own, or those of the role that it names.
fn policies(properties: &Value, resources: &Map<String, Value>) -> Vec<Value> {
    let role = properties["Role"]["!GetAtt"].as_str().and_then(|role| role.strip_suffix(".Arn"));
    let role =
        role.and_then(|role| resources.get(role)).map(|role| &role["Properties"]["Policies"]);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    match role {
        Some(policies) => list(policies).iter().map(|it| it["PolicyDocument"].clone()).collect(),
        None => list(&properties["Policies"]),
    }
}

fn function(
    properties: &Value,
    policies: &[Value],
    globals: &[String],
    stream: &str,
) -> Result<(String, Function), Error> {
    let code = properties["CodeUri"].as_str().unwrap_or_default();
    let name = code.rsplit('/').next().filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| Error::Template("a function has no CodeUri".to_owned()))?;
    let mut function = Function {
        variables: [globals, &variables(properties)].concat(),
        grants: grants(policies),
        ..Function::default()
    };
    for (event_name, event) in properties["Events"].as_object().into_iter().flatten() {
        let text = |name: &str| event["Properties"][name].as_str().unwrap_or_default().into();
        match event["Type"].as_str().unwrap_or_default() {
            "HttpApi" => function.routes.push(Route { method: text("Method"), path: text("Path") }),
            "ScheduleV2" => function.schedules.extend(events::schedule(event)?),
            "DynamoDB" => function.streams.push(events::stream(event_name, event, stream)?),
            // There is no event bus here.
            "EventBridgeRule" => {}
            kind => {
                let text = format!("{name}: the local stack has no events of type {kind}");
                return Err(Error::Template(text));
            }
        }
    }
    Ok((name.to_owned(), function))
}

fn grants(policies: &[Value]) -> BTreeSet<(String, String)> {
    let list = |value: &Value| match value {
        Value::Array(list) => list.clone(),
        one => vec![one.clone()],
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let statements = policies.iter().flat_map(|policy| list(&policy["Statement"]));
    statements
        .flat_map(|statement| {
            let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
            let keys: Vec<_> = keys.as_array().into_iter().flatten().map(text).collect();
            list(&statement["Action"]).into_iter().flat_map(move |action| {
                let action = text(&action);
                let keys = keys.clone().into_iter();
                keys.map(move |key| (action.clone(), key.trim_end_matches('*').to_owned()))
            })
        })
        .collect()
}

fn variables(properties: &Value) -> Vec<String> {
    let variables = properties["Environment"]["Variables"].as_object();
    variables.map(|variables| variables.keys().cloned().collect()).unwrap_or_default()
}

/// YAML as JSON; a tag such as `!Ref` becomes an object with the tag's name.
fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => value.into(),
        Yaml::Number(number) => number.as_i64().map_or_else(|| number.as_f64().into(), Value::from),
        Yaml::String(text) => text.into(),
        Yaml::Sequence(list) => list.into_iter().map(plain).collect(),
        Yaml::Mapping(map) => map
            .into_iter()
            .map(|(key, value)| {
                let key = key.as_str().map_or_else(|| format!("{key:?}"), ToOwned::to_owned);
                (key, plain(value))
            })
            .collect(),
        Yaml::Tagged(tagged) => json!({ tagged.tag.to_string(): plain(tagged.value) }),
    }
}

#[cfg(test)]
mod tests;
