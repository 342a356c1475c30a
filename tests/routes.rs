//! The routes are declared with the handlers. `template.yaml` and `cargo lambda watch` need them,
//! too: the three are the same set.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

use std::{collections::BTreeSet, path::Path, process::Command};

use local_stack::template::Template;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;

type Routes = BTreeSet<(String, String)>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn template() -> Template {
    Template::load(&root().join("template.yaml")).unwrap()
}

fn of_routers() -> Routes {
    let paths = |(name, routes): (&str, OpenApiRouter)| {
        let name = name.to_owned();
        routes
            .into_openapi()
            .paths
            .paths
            .into_keys()
            .map(move |path| (name.clone(), path))
            .collect::<Vec<_>>()
    };
    // The reference is not an operation of the API, and not in its document.
    let reference = docs::ROUTES.map(|path| ("docs".to_owned(), path.to_owned()));
    openapi::functions().into_iter().flat_map(paths).chain(reference).collect()
}

fn of_template() -> Routes {
    let functions = template().functions;
    let routes = functions.into_iter().flat_map(|(name, function)| {
        function.routes.into_iter().map(move |route| (name.clone(), route.path))
    });
    routes.collect()
}

fn of_watch() -> Routes {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let router = metadata["metadata"]["lambda"]["watch"]["router"].as_object().unwrap().clone();
    router.into_iter().map(|(path, name)| (name.as_str().unwrap().to_owned(), path)).collect()
}

#[test]
fn template_and_routers_have_the_same_routes() {
    assert_eq!(of_template(), of_routers());
}

#[test]
fn watch_and_routers_have_the_same_routes() {
    assert_eq!(of_watch(), of_routers());
}

#[test]
fn the_template_hands_every_method_to_the_function_so_that_it_answers_405_itself() {
    let functions = template().functions;
    let methods: BTreeSet<_> =
        functions.into_values().flat_map(|it| it.routes).map(|route| route.method).collect();
    assert_eq!(methods, BTreeSet::from(["ANY".to_owned()]));
}

#[test]
fn a_function_has_the_secret_s_name_only_if_it_is_built_with_secrets() {
    let with = |name: &str| template().functions[name].variables.contains(&"SECRET_ID".to_owned());
    for name in template().functions.keys() {
        let manifest = root().join("functions").join(name).join("Cargo.toml");
        let manifest = std::fs::read_to_string(manifest).unwrap();
        // The second factor's feature brings that of the secrets with it.
        let built = ["\"secrets\"", "\"second-factor\""];
        assert_eq!(with(name), built.iter().any(|it| manifest.contains(it)), "{name}");
    }
}
