//! The API described as `OpenAPI` 3.1: schemas from the types that answer, paths from one list.

mod endpoints;
mod requests;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::access::Role;
use endpoints::{Endpoint, Media};
pub use requests::{EXAMPLE_JOB, example};

/// The document. `analysis` adds the schemas of what analysis answers, which is not of this crate: each
/// under the name of its type.
pub fn document(analysis: impl FnOnce(&mut SchemaGenerator)) -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = SchemaGenerator::new(settings);
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in endpoints::all(&mut generator) {
        let path = paths.entry(endpoint.path.clone()).or_insert_with(|| json!({}));
        if let Value::Object(path) = path {
            path.insert(endpoint.method.to_owned(), operation(endpoint));
        }
    }
    analysis(&mut generator);
    let mut schemas = generator.take_definitions(true);
    schemas.extend(requests::schemas());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Beacon",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Asks the same questions of many language models in many regions, each \
    exactly once. Every answer carries `X-Request-ID` and `X-RateLimit-*`; every error has one form.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": errors(),
            "headers": headers(),
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A reader, submitter or admin token.",
                },
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Any user with the token as password, as in http://beacon:TOKEN@host.",
                },
            },
        },
    })
}

fn operation(endpoint: Endpoint) -> Value {
    let Endpoint { id, summary, needs, parameters, body, answers, errors, .. } = endpoint;
    let mut responses = Map::new();
    for (status, description, media) in answers {
        let answer = json!({
            "description": description,
            "headers": of_every_answer(),
            "content": content(media),
        });
        responses.insert(status.to_string(), answer);
    }
    for status in errors {
        let error = json!({ "$ref": format!("#/components/responses/Error{status}") });
        responses.insert(status.to_string(), error);
    }
    let mut operation = json!({
        "operationId": id,
        "summary": summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Value::Object(operation) = &mut operation {
        if let Some(body) = body {
            let sent = json!({ "schema": body.schema, "examples": body.examples });
            let required = body.required;
            let body = json!({ "required": required, "content": { "application/json": sent } });
            operation.insert("requestBody".to_owned(), body);
        }
        if let Some(role) = needs {
            operation.insert("security".to_owned(), json!([{ "bearer": [] }, { "basic": [] }]));
            operation.insert("x-beacon-role".to_owned(), json!(Role::name(role)));
        }
    }
    operation
}

fn content(media: Media) -> Value {
    match media {
        Media::Json(schema) => json!({ "application/json": { "schema": schema } }),
        Media::JsonLines => {
            json!({ "application/jsonl": { "schema": { "type": "string" } } })
        }
        Media::Text => json!({ "text/plain": { "schema": { "type": "string" } } }),
    }
}

/// Errors have one form, wherever they are answered.
fn errors() -> Map<String, Value> {
    let body = content(Media::Json(json!({ "$ref": "#/components/schemas/ErrorView" })));
    let error = |(status, description)| {
        let mut headers = of_every_answer();
        match status {
            401 => headers["WWW-Authenticate"] = header("How to show a token.", "string"),
            429 => headers["Retry-After"] = header("Seconds until one may be made.", "integer"),
            _ => {}
        }
        let error = json!({ "description": description, "headers": headers, "content": body });
        (format!("Error{status}"), error)
    };
    endpoints::ERRORS.into_iter().map(error).collect()
}

fn headers() -> Value {
    json!({
        "X-Request-ID": header("The request's id: the client's own, or one that was made.", "string"),
        "X-RateLimit-Limit": header("Requests a minute.", "integer"),
        "X-RateLimit-Remaining": header("Requests that may be made at once.", "integer"),
        "X-RateLimit-Reset": header("Seconds until all may be made again.", "integer"),
    })
}

fn of_every_answer() -> Value {
    let headers = headers();
    let names = headers.as_object().into_iter().flat_map(Map::keys);
    let reference = |name| json!({ "$ref": format!("#/components/headers/{name}") });
    names.map(|name| (name.clone(), reference(name))).collect::<Map<String, Value>>().into()
}

fn header(description: &str, kind: &str) -> Value {
    json!({ "description": description, "required": true, "schema": { "type": kind } })
}

#[cfg(test)]
mod tests;
