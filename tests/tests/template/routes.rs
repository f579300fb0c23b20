//! The API's routes: each of the code's has one in the template, to its function, for its roles.

use std::collections::{BTreeMap, BTreeSet};

use beacon_core::access::Role;
use beacon_core::openapi;
use beacon_core::route::{Function, Route};
use beacon_portal::Portal;
use serde_json::{Value, json};

use crate::deployed::{Deployed, Given, JWT, WAYS, owner};

const ROLES: [Role; 3] = [Role::Reader, Role::Submitter, Role::Admin];

type Routes<'a> = BTreeMap<(String, String), &'a Value>;

/// Methods and paths of the API in the template, with what is said of each.
fn routes(deployed: &Deployed) -> Routes<'_> {
    let mut routes = all_routes(deployed);
    routes.retain(|_, route| route["Target"] != PORTAL);
    routes
}

/// Those of the portal.
fn portal_routes(deployed: &Deployed) -> Routes<'_> {
    let mut routes = all_routes(deployed);
    routes.retain(|_, route| route["Target"] == PORTAL);
    routes
}

const PORTAL: &str = "integrations/PortalIntegration";

fn all_routes(deployed: &Deployed) -> Routes<'_> {
    let mut routes = BTreeMap::new();
    for (id, route) in deployed.of_type("AWS::ApiGatewayV2::Route") {
        let key = route["RouteKey"].as_str().unwrap();
        let (method, path) = key.split_once(' ').unwrap_or_else(|| panic!("{id}: {key}"));
        let twice = routes.insert((method.to_owned(), path.to_owned()), route);
        assert!(twice.is_none(), "{key} is there twice");
    }
    routes
}

/// The code's route at an address with a placeholder.
fn of_code(method: &str, path: &str) -> Route {
    let id = if path.contains("/executions/{id}") { "j.0.us-east.0.m" } else { "j" };
    Route::read(method, &path.replace("{id}", id))
        .unwrap_or_else(|error| panic!("{method} {path}: {error:?}"))
}

#[test]
fn the_template_has_the_routes_that_the_api_describes() {
    let described = openapi::document(|_| {});
    let described: BTreeSet<_> = described["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(|method| (method.to_ascii_uppercase(), path.clone()))
        })
        .collect();
    let deployed = Deployed::with(&[]);
    let routes: BTreeSet<_> = routes(&deployed).into_keys().collect();
    assert_eq!(routes, described);
}

/// A number for each kind of route, so that none is forgotten here.
fn kind(route: &Route) -> usize {
    match route {
        Route::Health => 0,
        Route::Live => 1,
        Route::Ready => 2,
        Route::OpenApi => 3,
        Route::Metrics => 4,
        Route::Questions => 5,
        Route::Submit => 6,
        Route::SubmitCrossRegion => 7,
        Route::Cancel(_) => 8,
        Route::Retry(_) => 9,
        Route::RetryQuestion(_) => 10,
        Route::RetryAllFailed(_) => 11,
        Route::Jobs => 12,
        Route::Job(_) => 13,
        Route::Summary(_) => 14,
        Route::ExecutionsOfJob(_) => 15,
        Route::Executions => 16,
        Route::Execution(_) => 17,
        Route::DebugConfig => 18,
        Route::DebugExecutor => 19,
        Route::DebugJob(_) => 20,
        Route::Classify(_) => 21,
        Route::Label(_) => 22,
        Route::Findings(_) => 23,
        Route::Aggregates(_) => 24,
        Route::Manifest(_) => 25,
        Route::BiasAnalysis(_) => 26,
        Route::CrossRegion(_) => 27,
        Route::CrossRegionDiff(_) => 28,
        Route::Receipt(_) => 29,
        Route::Root => 30,
        Route::Proof => 31,
        Route::Bundle(_) => 32,
        Route::Keys => 33,
    }
}

#[test]
fn every_route_of_the_code_is_in_the_template() {
    let deployed = Deployed::with(&[]);
    let routes = routes(&deployed);
    let kinds: BTreeSet<_> =
        routes.keys().map(|(method, path)| kind(&of_code(method, path))).collect();
    assert_eq!(kinds, (0..=33).collect());
}

#[test]
fn a_route_leads_to_the_function_that_answers_it() {
    let deployed = Deployed::with(&[]);
    for ((method, path), route) in routes(&deployed) {
        let function = match of_code(&method, &path).function() {
            Function::Intake => "IntakeFunction",
            Function::Query => "QueryFunction",
        };
        assert_leads_to(&deployed, route, function);
        assert!(!Portal::has(&path), "{path} is of the API and of the portal");
    }
}

fn assert_leads_to(deployed: &Deployed, route: &Value, function: &str) {
    let target = route["Target"].as_str().unwrap();
    let integration = deployed.properties(target.strip_prefix("integrations/").unwrap());
    assert_eq!(owner(&integration["IntegrationUri"]), function, "{route}");
    assert_eq!(integration["PayloadFormatVersion"], "2.0");
    let may_be_asked = deployed.of_type("AWS::Lambda::Permission").into_iter().any(|(_, of)| {
        owner(&of["FunctionName"]) == function
            && of["Principal"] == "apigateway.amazonaws.com"
            // Of another API anybody could ask as whom he likes.
            && of["SourceArn"] == format!("{THIS_API}/*/*")
    });
    assert!(may_be_asked, "{function}");
}

/// Which address each is of, and that none is missing, says a test beside `portal::address::Address`.
#[test]
fn a_route_of_the_portal_leads_to_it_and_is_open_where_tokens_let_in() {
    for given in WAYS {
        let deployed = Deployed::with(given);
        let routes = portal_routes(&deployed);
        assert_eq!(routes.is_empty(), given == JWT, "{given:?}");
        for ((method, path), route) in routes {
            assert_eq!(route["AuthorizationType"], "NONE", "{method} {path}");
            assert_leads_to(&deployed, route, "PortalFunction");
            let path = path.replace("{proxy+}", "j");
            assert!(Portal::has(&path), "{path}");
            assert!(Route::read(&method, &path).is_err(), "{path} is of the API and of the portal");
        }
    }
}

#[test]
fn a_route_is_open_only_where_the_code_needs_no_role() {
    for given in WAYS {
        let deployed = Deployed::with(given);
        for ((method, path), route) in routes(&deployed) {
            let needs = of_code(&method, &path).needs();
            let open = json!("NONE");
            assert_eq!(route["AuthorizationType"] == open, needs.is_none(), "{method} {path}");
            let reads = method == "GET" || path.ends_with("/cross-region-diff");
            assert!(reads || needs >= Some(Role::Submitter), "{method} {path}");
            if let Some(role) = needs {
                assert_guarded(given, &deployed, role, route);
            }
        }
    }
}

const THIS_API: &str = "arn:aws:execute-api:us-east-1:000000000000:Api";

fn assert_guarded(given: Given<'_>, deployed: &Deployed, needs: Role, route: &Value) {
    let key = &route["RouteKey"];
    let authorizer = deployed.properties(owner(&route["AuthorizerId"]));
    assert_eq!(authorizer["IdentitySource"], json!(["$request.header.Authorization"]));
    if given == JWT {
        assert_eq!(route["AuthorizationType"], "JWT", "{key}");
        assert_eq!(authorizer["JwtConfiguration"]["Issuer"], "https://issuer.example");
        assert_eq!(authorizer["JwtConfiguration"]["Audience"], json!(["beacon"]));
        let enough = ROLES.iter().filter(|role| **role >= needs);
        let scopes: Vec<_> = enough.map(|role| format!("beacon/{}", role.name())).collect();
        assert_eq!(route["AuthorizationScopes"], json!(scopes), "{key}");
    } else {
        assert_eq!(route["AuthorizationType"], "CUSTOM", "{key}");
        assert!(route.get("AuthorizationScopes").is_none(), "{key}");
        assert_eq!(authorizer["AuthorizerType"], "REQUEST");
        assert_eq!(authorizer["AuthorizerPayloadFormatVersion"], "2.0");
        assert_eq!(authorizer["EnableSimpleResponses"], true);
        let uri = authorizer["AuthorizerUri"].as_str().unwrap();
        assert!(uri.contains("/AuthorizerFunction.Arn/"), "{uri}");
        let may = deployed.properties("AuthorizerMayBeAsked");
        assert_eq!(owner(&may["FunctionName"]), "AuthorizerFunction");
        assert_eq!(may["Principal"], "apigateway.amazonaws.com");
        assert_eq!(may["SourceArn"], format!("{THIS_API}/authorizers/TokenAuthorizer"));
    }
}

#[test]
fn the_api_is_throttled_and_tells_who_asked() {
    let deployed = Deployed::with(&[]);
    let stage = deployed.properties("ApiStage");
    for limit in ["ThrottlingRateLimit", "ThrottlingBurstLimit"] {
        assert!(stage["DefaultRouteSettings"][limit].as_u64() > Some(0), "{limit}");
    }
    let format = stage["AccessLogSettings"]["Format"].as_str().unwrap();
    let line: Value = serde_json::from_str(format).unwrap();
    assert_eq!(line["caller"], "$context.authorizer.caller");
}
