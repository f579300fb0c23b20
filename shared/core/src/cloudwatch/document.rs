//! Figures as documents of `CloudWatch`'s embedded metric format
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>):
//! a line of JSON each, of which `CloudWatch` Logs makes the metrics.

use jiff::Timestamp;
use serde_json::{Map, Number, Value as Json, json};

use super::{Figure, Metric, NAMESPACE, STACK, StackName, Value};

/// Values of one metric that a document may hold.
const MOST_VALUES: usize = 100;

/// The figures of one moment, in as few documents as hold them: in a document a metric and a dimension
/// stand once. What is no number is left out.
pub fn documents(stack: &StackName, figures: &[Figure], at: Timestamp) -> Vec<String> {
    let mut documents: Vec<Document> = Vec::new();
    for figure in figures {
        let (metric, of, value) = figure.parts();
        let Some(value) = number(value) else { continue };
        let mut open = documents.iter_mut();
        if let Some(document) = open.find(|document| document.takes(metric, of.as_deref())) {
            document.add(metric, of, value);
        } else {
            let mut document = Document::default();
            document.add(metric, of, value);
            documents.push(document);
        }
    }
    documents.iter().map(|document| document.print(stack, at)).collect()
}

/// `CloudWatch` takes no other numbers.
fn number(value: Value) -> Option<Number> {
    match value {
        Value::Whole(number) => Some(number.into()),
        Value::Real(number) => Number::from_f64(number),
    }
}

/// One document to be.
#[derive(Debug, Default)]
struct Document {
    /// What the metrics in it are told apart by.
    dimensions: Vec<(&'static str, String)>,
    metrics: Vec<(Metric, Vec<Number>)>,
}

impl Document {
    /// Whether one more value of a metric, told apart by `of`, is not told apart otherwise here.
    fn takes(&self, metric: Metric, of: Option<&str>) -> bool {
        let same = match (metric.dimension(), of) {
            (Some(name), Some(of)) => {
                let found = self.dimensions.iter().find(|(other, _)| *other == name);
                found.is_none_or(|(_, value)| value == of)
            }
            _ => true,
        };
        let values = self.metrics.iter().find(|(other, _)| *other == metric);
        same && values.is_none_or(|(_, values)| values.len() < MOST_VALUES)
    }

    fn add(&mut self, metric: Metric, of: Option<String>, value: Number) {
        if let (Some(name), Some(of)) = (metric.dimension(), of)
            && self.dimensions.iter().all(|(other, _)| *other != name)
        {
            self.dimensions.push((name, of));
        }
        match self.metrics.iter_mut().find(|(other, _)| *other == metric) {
            Some((_, values)) => values.push(value),
            None => self.metrics.push((metric, vec![value])),
        }
    }

    fn print(&self, stack: &StackName, at: Timestamp) -> String {
        let mut root = Map::new();
        root.insert("_aws".to_owned(), self.metadata(at));
        root.insert(STACK.to_owned(), stack.as_str().into());
        for (name, value) in &self.dimensions {
            root.insert((*name).to_owned(), value.as_str().into());
        }
        for (metric, values) in &self.metrics {
            let value = match values.as_slice() {
                [one] => Json::Number(one.clone()),
                many => many.to_vec().into(),
            };
            root.insert(metric.name(), value);
        }
        Json::Object(root).to_string()
    }

    fn metadata(&self, at: Timestamp) -> Json {
        let sets = std::iter::once(None).chain(self.dimensions.iter().map(|(name, _)| Some(*name)));
        let directives = sets.filter_map(|dimension| {
            let of = self.metrics.iter().filter(|(metric, _)| metric.dimension() == dimension);
            let metrics: Vec<Json> = of.map(|(metric, _)| definition(*metric)).collect();
            let dimensions: Vec<&str> = std::iter::once(STACK).chain(dimension).collect();
            (!metrics.is_empty()).then(
                || json!({"Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": metrics}),
            )
        });
        let directives: Vec<Json> = directives.collect();
        json!({"Timestamp": at.as_millisecond(), "CloudWatchMetrics": directives})
    }
}

fn definition(metric: Metric) -> Json {
    json!({"Name": metric.name(), "Unit": metric.unit().name()})
}
