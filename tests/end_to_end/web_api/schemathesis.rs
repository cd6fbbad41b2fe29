//! Runs schemathesis, which reads the OpenAPI document, and sends requests that the document allows and requests that
//! it forbids.

use std::process::Command;

use tempfile::TempDir;

use super::sources;
use crate::harness::{self, LocalCluster, Running};

/// Allows responses that schemathesis would report as errors: the refusal of an idempotency key that is in use (`409`)
/// or is repeated with another body (`422`), any refusal of an invalid request, the response to a record that is not an
/// event (`200`, with the rejection in the body), and the responses of a busy server (`429`, `503`).
const CONFIGURATION: &str = "
[checks]
positive_data_acceptance.expected-statuses = ['2xx', 409, 422, 429, 503]
negative_data_rejection.expected-statuses = ['2xx', '4xx', 503]
";

#[test]
fn the_web_api_behaves_as_its_document_describes() {
    let schemathesis = harness::python().with_file_name("st");
    let path = schemathesis.display();
    assert!(
        schemathesis.exists(),
        "no schemathesis at `{path}`: run `make test`"
    );
    let node = LocalCluster::start();
    let folder = TempDir::new().unwrap();
    let file = sources::with_source(&folder, sources::LAPS);
    let file = harness::path(&file);
    let web_api = Running::start(&["web-api", "--cluster", &node.address, "--dataflow", file]);
    let document = web_api.line("web-api: ") + "/openapi.json";
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
