//! Computing what takes long, beside what must not wait.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Computes what takes long. Where other tasks run on the same thread, they go on elsewhere: a worker
/// that cannot look at its lane drops its calls.
pub fn at_length<T>(compute: impl FnOnce() -> T) -> T {
    match Handle::current().runtime_flavor() {
        RuntimeFlavor::MultiThread => tokio::task::block_in_place(compute),
        RuntimeFlavor::CurrentThread | _ => compute(),
    }
}
