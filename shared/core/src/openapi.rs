//! The API described as `OpenAPI` 3.1: schemas from the types that answer, paths from one list.

mod endpoints;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use crate::access::Role;
use endpoints::{Endpoint, Media};

/// The document.
pub fn document() -> Value {
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
    let mut schemas = generator.take_definitions(true);
    schemas.extend(endpoints::request_schemas());
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
            "headers": headers(),
            "content": content(media),
        });
        responses.insert(status.to_string(), answer);
    }
    for (status, description) in errors {
        let answer = json!({
            "description": description,
            "headers": headers(),
            "content": content(Media::Json(json!({ "$ref": "#/components/schemas/ErrorView" }))),
        });
        responses.insert(status.to_string(), answer);
    }
    let mut operation = json!({
        "operationId": id,
        "summary": summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let Value::Object(operation) = &mut operation {
        if let Some(schema) = body {
            let body = json!({ "required": true, "content": content(Media::Json(schema)) });
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
        Media::Text => json!({ "text/plain": { "schema": { "type": "string" } } }),
    }
}

fn headers() -> Value {
    let text =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    let number =
        |description: &str| json!({ "description": description, "schema": { "type": "integer" } });
    json!({
        "X-Request-ID": text("The request's id: the client's own, or one that was made."),
        "X-RateLimit-Limit": number("Requests a minute."),
        "X-RateLimit-Remaining": number("Requests that may be made at once."),
        "X-RateLimit-Reset": number("Seconds until all may be made again."),
    })
}

#[cfg(test)]
mod tests;
