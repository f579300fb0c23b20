//! The template whole, on an emulator of AWS: deployed as it is, asked through its API. Before that the
//! emulator is asked what our own queues are asked, so that both are known to be SQS.

use std::path::Path;

use crate::emulator::{Emulator, log_folder};
use crate::functions;
use crate::python::folder;
use crate::test::{TestError, built, cargo, clean, file, step};

const STACK: &str = "beacon";

/// Builds, deploys and asks.
pub(crate) fn run() -> Result<(), TestError> {
    let programs = functions::built()?;
    let logs = log_folder("deployed")?;
    let emulator = Emulator::start(&logs.join("emulator.log"))?;
    conformance(&emulator)?;
    let scratch = tempfile::tempdir().map_err(file("a scratch directory"))?;
    let deployed = scratch.path().join("deployed.json");
    let providers = folder("ministack").join("providers.toml");
    let providers = providers.canonicalize().map_err(file("providers.toml"))?;
    deploy(&emulator, &programs, scratch.path(), &deployed, &providers)?;

    // As the tests built them.
    let build = || cargo(&["test", "--workspace", "--locked", "--no-run"]);
    let beacon = built(&mut build(), "beacon", false)?;
    let mut check = clean(&built(&mut build(), "deployed", false)?);
    check.args(["--endpoint", emulator.endpoint()]).arg("--stack").arg(&deployed);
    check.arg("--beacon").arg(beacon).arg("--providers").arg(&providers);
    check.arg("--scratch").arg(scratch.path()).arg("--report").arg(logs.join("report.txt"));
    step("the deployment", &mut check)
}

fn deploy(
    emulator: &Emulator,
    programs: &Path,
    scratch: &Path,
    deployed: &Path,
    providers: &Path,
) -> Result<(), TestError> {
    let mut deploy = emulator.program("deploy.py");
    deploy.args(["--endpoint", emulator.endpoint(), "--stack", STACK]);
    deploy.args(["--template", "template.yaml", "--parameter", "Architecture=x86_64"]);
    // The emulator gives functions no layers, so the providers' file is named where it lies.
    deploy.arg("--parameter").arg(format!("RouterConfig={}", providers.display()));
    deploy.arg("--programs").arg(programs).arg("--scratch").arg(scratch);
    step("deploying the template", deploy.arg("--deployed").arg(deployed))
}

/// What SQS does and the emulator is known not to do, with what it does instead. Our own queues are
/// held to all of it.
const NOT_OF_THE_EMULATOR: [(&str, &str); 12] = [
    ("strict::a_receive_out_of_its_limits_is_refused", "takes any"),
    ("strict::a_visibility_timeout_is_at_most_twelve_hours", "takes any"),
    ("strict::a_delay_is_at_most_fifteen_minutes", "takes any"),
    ("strict::group_and_deduplication_ids_are_at_most_128_printable_characters", "takes any"),
    ("strict::what_belongs_to_the_other_type_of_queue_is_refused", "takes it"),
    ("strict::the_name_must_fit_the_type", "takes any"),
    ("strict::deleting_twice_is_no_error", "an error"),
    ("strict::a_deleted_message_has_no_visibility_to_change", "another code"),
    ("strict::a_visible_message_is_not_in_flight", "changes it"),
    ("strict::a_fifo_handle_expires_with_its_visibility_timeout", "the handle stays good"),
    ("strict::the_dead_letter_queue_must_be_of_the_same_type", "takes any"),
    ("strict::an_unknown_attribute_is_refused", "takes any"),
];

/// The tests of our own queues, against the emulator's.
fn conformance(emulator: &Emulator) -> Result<(), TestError> {
    let mut test = cargo(&["test", "--workspace", "--locked", "--test", "sqs_conformance", "--"]);
    // Those of what only our endpoint has.
    test.args(["--skip", "own::"]);
    for (name, instead) in NOT_OF_THE_EMULATOR {
        told(&format!("not asked of the emulator: {name} ({instead})"));
        test.args(["--skip", name]);
    }
    test.env("BEACON_SQS_CONFORMANCE_ENDPOINT", emulator.endpoint());
    step("the emulator's queues", &mut test)
}

#[expect(clippy::print_stderr, reason = "a command line says what it leaves out")]
fn told(line: &str) {
    eprintln!("── {line}");
}
