//! schemathesis, a stranger that reads the OpenAPI document and tries what it says and what it forbids.

use std::process::Command;

use tempfile::TempDir;

use crate::harness::{self, LocalCluster, Running};

/// A key may come twice with different bodies, and a record that is no event is answered `200` and
/// named there: schemathesis would call neither right. A server that is busy is no mistake either.
const CONFIGURATION: &str = "
[checks]
positive_data_acceptance.expected-statuses = ['2xx', 409, 422, 429, 503]
negative_data_rejection.expected-statuses = ['2xx', '4xx', 503]
";

#[test]
fn the_web_api_does_what_its_document_says() {
    let schemathesis = harness::python().with_file_name("st");
    let path = schemathesis.display();
    assert!(
        schemathesis.exists(),
        "no schemathesis at `{path}`: run `make test`"
    );
    let node = LocalCluster::start();
    let web_api = Running::start(&["web-api", "--cluster", &node.address]);
    let document = web_api.line("web-api: ") + "/openapi.json";
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("configuration.toml"), CONFIGURATION).unwrap();
    let output = Command::new(schemathesis)
        .args(["--config-file", "configuration.toml", "run", &document])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "20",
        ])
        .arg("--generation-deterministic")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
    assert!(!report.contains("Unresolvable"), "{report}");
    web_api.stop();
}
