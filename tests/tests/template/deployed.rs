//! What the template comes to with parameters: functions resolved, what its conditions leave out gone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::yaml;

/// Parameters of a deployment, where they are not the defaults.
pub(crate) type Given<'a> = &'a [(&'a str, &'a str)];

/// With a JWT issuer.
pub(crate) const JWT: Given<'_> =
    &[("JwtIssuer", "https://issuer.example"), ("JwtAudience", "beacon")];
/// With a router elsewhere that wants to be shown a token.
pub(crate) const ROUTER: Given<'_> =
    &[("RouterUrl", "https://127.0.0.1:9"), ("RouterSecret", SECRET)];
/// With providers that want credentials.
pub(crate) const PROVIDERS: Given<'_> = &[("RouterSecret", SECRET)];
/// With keys by which specifications must be signed.
pub(crate) const SIGNED: Given<'_> = &[(
    "TrustedKeys",
    r#"[{"kid": "ff73a0647bbc29aa418634dba8bb130922491e77680e9d152dde5261ab63d8a2", "status": "active",
    "public_key": "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="}]"#,
)];
/// Every way that the template's conditions can go.
pub(crate) const WAYS: [Given<'_>; 5] = [&[], JWT, ROUTER, PROVIDERS, SIGNED];

/// A secret with a router's, or providers', credentials.
pub(crate) const SECRET: &str =
    "arn:aws:secretsmanager:us-east-1:000000000000:secret:beacon-providers-AbCdEf";

/// The template with all its functions resolved. A resource is referred to by its logical id, and
/// its attribute by `ID.Attribute`, because what AWS puts there is not known.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(crate) resources: BTreeMap<String, Resource>,
    pub(crate) outputs: Map<String, Value>,
}

/// One resource.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) kind: String,
    /// Its properties, the template's globals among a function's.
    pub(crate) properties: Value,
    /// Everything that is said of it.
    pub(crate) whole: Value,
}

impl Deployed {
    /// With these parameters, and the defaults of the others.
    pub(crate) fn with(given: Given<'_>) -> Self {
        let template = Template::read(given);
        let resources = template.whole["Resources"].as_object().unwrap();
        let deployed = resources.iter().filter(|(_, resource)| template.includes(resource));
        let resources = deployed.map(|(id, resource)| {
            let whole = template.resolved(resource).expect("a resource");
            let kind = whole["Type"].as_str().unwrap().to_owned();
            let mut properties = whole["Properties"].clone();
            if kind == "AWS::Serverless::Function" {
                template.add_globals(&mut properties);
            }
            (id.clone(), Resource { kind, properties, whole })
        });
        let resources = resources.collect();
        let outputs = template.whole["Outputs"].as_object().unwrap();
        let outputs = outputs.iter().filter(|(_, output)| template.includes(output));
        let outputs = outputs.map(|(name, output)| {
            (name.clone(), template.resolved(&output["Value"]).expect("an output"))
        });
        Self { resources, outputs: outputs.collect() }
    }

    /// The resource with this logical id.
    pub(crate) fn resource(&self, id: &str) -> &Resource {
        self.resources.get(id).unwrap_or_else(|| panic!("there is no {id}"))
    }

    /// The properties of the resource with this logical id.
    pub(crate) fn properties(&self, id: &str) -> &Value {
        &self.resource(id).properties
    }

    /// The resources of a type, with their logical ids.
    pub(crate) fn of_type(&self, kind: &str) -> Vec<(&str, &Value)> {
        let of_type = self.resources.iter().filter(|(_, resource)| resource.kind == kind);
        let found: Vec<_> =
            of_type.map(|(id, resource)| (id.as_str(), &resource.properties)).collect();
        assert!(!found.is_empty(), "there is no {kind}");
        found
    }

    /// The functions, with their logical ids.
    pub(crate) fn functions(&self) -> Vec<(&str, &Value)> {
        self.of_type("AWS::Serverless::Function")
    }
}

/// A property that is a whole number, as a number or as text.
pub(crate) fn number(properties: &Value, name: &str) -> u64 {
    let value = &properties[name];
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    number.unwrap_or_else(|| panic!("{name} is {value}"))
}

/// The logical id in `ID.Attribute`.
pub(crate) fn owner(attribute: &Value) -> &str {
    let text = attribute.as_str().unwrap_or_else(|| panic!("{attribute} is no text"));
    text.split_once('.').map_or(text, |(id, _)| id)
}

struct Template {
    whole: Value,
    parameters: BTreeMap<String, Value>,
}

impl Template {
    fn read(given: Given<'_>) -> Self {
        let whole = yaml::read(&crate::read("template.yaml"));
        let declared = whole["Parameters"].as_object().unwrap();
        let defaults = declared.iter().map(|(name, of)| (name.clone(), of["Default"].clone()));
        let mut parameters: BTreeMap<String, Value> = defaults.collect();
        for (name, value) in given {
            let known = parameters.insert((*name).to_owned(), (*value).into());
            assert!(known.is_some(), "there is no parameter {name}");
        }
        let pseudo = [
            ("AWS::StackName", "beacon"),
            ("AWS::Region", "us-east-1"),
            ("AWS::AccountId", "000000000000"),
            ("AWS::Partition", "aws"),
            ("AWS::URLSuffix", "amazonaws.com"),
        ];
        parameters.extend(pseudo.map(|(name, value)| (name.to_owned(), value.into())));
        Self { whole, parameters }
    }

    fn includes(&self, of: &Value) -> bool {
        of.get("Condition").is_none_or(|name| self.holds(name.as_str().unwrap()))
    }

    fn holds(&self, condition: &str) -> bool {
        let condition = self.whole["Conditions"].get(condition);
        self.is_true(condition.unwrap_or_else(|| panic!("there is no such condition")))
    }

    fn is_true(&self, condition: &Value) -> bool {
        let (function, arguments) = call(condition).expect("a condition is a function");
        let all = || arguments.as_array().unwrap().iter();
        match function {
            "Condition" => self.holds(arguments.as_str().unwrap()),
            "Fn::Not" => !self.is_true(&arguments[0]),
            "Fn::And" => all().all(|one| self.is_true(one)),
            "Fn::Or" => all().any(|one| self.is_true(one)),
            "Fn::Equals" => self.resolved(&arguments[0]) == self.resolved(&arguments[1]),
            other => panic!("a condition made of {other}"),
        }
    }

    /// The value, its functions resolved; none where it is no value.
    fn resolved(&self, value: &Value) -> Option<Value> {
        if let Some((function, arguments)) = call(value) {
            return self.called(function, arguments);
        }
        Some(match value {
            Value::Array(items) => items.iter().filter_map(|item| self.resolved(item)).collect(),
            Value::Object(entries) => {
                let entries = entries.iter();
                let resolved = entries.filter_map(|(name, value)| {
                    // A resource's own `Condition` is a name, not a function.
                    Some((name.clone(), self.resolved(value)?))
                });
                Value::Object(resolved.collect())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
        })
    }

    fn called(&self, function: &str, arguments: &Value) -> Option<Value> {
        match function {
            "Ref" => self.referred(arguments.as_str().unwrap()),
            "Fn::GetAtt" => {
                let part = |at: usize| arguments[at].as_str().unwrap();
                self.exists(part(0));
                Some(format!("{}.{}", part(0), part(1)).into())
            }
            "Fn::If" => {
                let chosen = if self.holds(arguments[0].as_str().unwrap()) { 1 } else { 2 };
                self.resolved(&arguments[chosen])
            }
            "Fn::Sub" => Some(self.substituted(arguments.as_str().unwrap()).into()),
            "Fn::Join" => {
                let parts = self.resolved(&arguments[1]).unwrap();
                let parts: Vec<_> = parts.as_array().unwrap().iter().map(text).collect();
                Some(parts.join(arguments[0].as_str().unwrap()).into())
            }
            other => panic!("what {other} comes to is not known here"),
        }
    }

    fn referred(&self, name: &str) -> Option<Value> {
        if name == "AWS::NoValue" {
            return None;
        }
        if let Some(value) = self.parameters.get(name) {
            return Some(value.clone());
        }
        self.exists(name);
        Some(name.into())
    }

    fn exists(&self, id: &str) {
        let resource = self.whole["Resources"].get(id);
        let resource = resource.unwrap_or_else(|| panic!("nothing is called {id}"));
        assert!(self.includes(resource), "{id} is not deployed, and yet it is referred to");
    }

    /// The text, each `${…}` in it replaced.
    fn substituted(&self, text: &str) -> String {
        let mut parts = text.split("${");
        let mut whole = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').expect("a brace that closes");
            let of = name.split_once('.');
            let value = of.map_or_else(
                || self.referred(name).expect("a value"),
                |(of, _attribute)| {
                    self.exists(of);
                    name.into()
                },
            );
            whole.push_str(&self::text(&value));
            whole.push_str(rest);
        }
        whole
    }

    fn add_globals(&self, properties: &mut Value) {
        let globals = self.resolved(&self.whole["Globals"]["Function"]).unwrap();
        let own = properties.as_object_mut().unwrap();
        for (name, value) in globals.as_object().unwrap() {
            let before = own.insert(name.clone(), value.clone());
            assert!(before.is_none(), "{name} is global, and a function's own");
        }
    }
}

/// A function and its arguments: a mapping of one entry with a function's name.
fn call(value: &Value) -> Option<(&str, &Value)> {
    let entries = value.as_object().filter(|entries| entries.len() == 1)?;
    let (name, arguments) = entries.iter().next()?;
    let is_function = name == "Ref" || name == "Condition" || name.starts_with("Fn::");
    is_function.then_some((name.as_str(), arguments))
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[test]
fn every_way_can_be_resolved() {
    for given in WAYS {
        let deployed = Deployed::with(given);
        assert_eq!(deployed.outputs["Table"], "Table");
        let shows_secret = deployed.outputs.contains_key("TokensSecretArn");
        assert_eq!(shows_secret, given != JWT);
        assert!(deployed.outputs.contains_key("ApiUrl"));
    }
}
