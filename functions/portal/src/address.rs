//! Addresses of the portal: what each shows or does, who may, and how it is written in a link.

use std::fmt;

use beacon_core::access::Role;
use beacon_core::{ExecutionId, JobId, QuestionIndex};

/// A file of a job's data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum File {
    /// A line for each execution.
    Jsonl,
    /// The same as a table.
    Csv,
    /// The findings as one page that needs nothing else.
    Report,
    /// Signed receipts with prompts and answers.
    Bundle,
}

impl File {
    /// All, in the order in which they are offered.
    pub(crate) const ALL: [Self; 4] = [Self::Report, Self::Csv, Self::Jsonl, Self::Bundle];

    /// As its address ends.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "executions.jsonl",
            Self::Csv => "executions.csv",
            Self::Report => "report.html",
            Self::Bundle => "bundle.jsonl",
        }
    }
}

/// What a browser can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// `/`: jobs, newest first.
    Jobs,
    /// `/new`: the form of a new job; sent, it makes one.
    New,
    /// `/new/estimate`: what the job of the form would use.
    Estimate,
    /// `/jobs/{id}`.
    Job(JobId),
    /// `/jobs/{id}/live`: what moves on a job's page, alone.
    Live(JobId),
    /// `/jobs/{id}/cancel`: asks whether to, and does.
    Cancel(JobId),
    /// `/jobs/{id}/retry`: asks whether to, and does.
    Retry(JobId),
    /// `/jobs/{id}/matrix`: model × question × region.
    Matrix(JobId),
    /// `/jobs/{id}/questions/{n}`: one entry of the question list everywhere, and two or three answers to it
    /// side by side.
    Question(JobId, QuestionIndex),
    /// `/jobs/{id}/findings`.
    Findings(JobId),
    /// `/jobs/{id}/classify`: has a job's answers judged and its findings computed.
    Classify(JobId),
    /// `/jobs/{id}/files`: what can be downloaded.
    Files(JobId),
    /// `/jobs/{id}/files/{name}`.
    Download(JobId, File),
    /// `/executions/{id}`: one answer in full.
    Execution(ExecutionId),
    /// `/executions/{id}/retry`: asks whether to, and does.
    RetryExecution(ExecutionId),
    /// `/executions/{id}/label`: a person's verdict.
    Label(ExecutionId),
    /// `/system`: the router, its providers, stalled lanes.
    System,
    /// `/sign-in`.
    SignIn,
    /// `/sign-out`.
    SignOut,
    /// `/assets/{name}`.
    Asset(String),
}

/// How an address is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// `GET` or `HEAD`: shows.
    Show,
    /// `POST`: changes.
    Change,
}

/// Why a request leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAddress {
    /// Nothing is there.
    NotFound,
    /// It is there, for another method.
    MethodNotAllowed {
        /// For which.
        allow: &'static str,
    },
}

impl Address {
    /// The address of a method and a path.
    pub(crate) fn read(method: &str, path: &str) -> Result<(Self, Method), NoAddress> {
        let parts = path.strip_prefix('/').ok_or(NoAddress::NotFound)?;
        // One slash may stand at the end, but nothing is between two.
        let parts = if parts == "/" { parts } else { parts.strip_suffix('/').unwrap_or(parts) };
        let parts: Vec<&str> = parts.split('/').collect();
        let address = Self::of(&parts).ok_or(NoAddress::NotFound)?;
        let asked = match method {
            "GET" | "HEAD" => Method::Show,
            "POST" => Method::Change,
            _ => return Err(NoAddress::MethodNotAllowed { allow: address.allow() }),
        };
        let (shows, changes) = address.takes();
        match asked {
            Method::Show if shows => Ok((address, asked)),
            Method::Change if changes => Ok((address, asked)),
            Method::Show | Method::Change => {
                Err(NoAddress::MethodNotAllowed { allow: address.allow() })
            }
        }
    }

    fn of(parts: &[&str]) -> Option<Self> {
        let job = |id: &str| JobId::new(id).ok();
        let execution = |id: &str| ExecutionId::parse(id).ok();
        Some(match *parts {
            [""] => Self::Jobs,
            ["new"] => Self::New,
            ["new", "estimate"] => Self::Estimate,
            ["jobs", id] => Self::Job(job(id)?),
            ["jobs", id, "live"] => Self::Live(job(id)?),
            ["jobs", id, "cancel"] => Self::Cancel(job(id)?),
            ["jobs", id, "retry"] => Self::Retry(job(id)?),
            ["jobs", id, "matrix"] => Self::Matrix(job(id)?),
            ["jobs", id, "questions", index] => {
                Self::Question(job(id)?, QuestionIndex(index.parse().ok()?))
            }
            ["jobs", id, "findings"] => Self::Findings(job(id)?),
            ["jobs", id, "classify"] => Self::Classify(job(id)?),
            ["jobs", id, "files"] => Self::Files(job(id)?),
            ["jobs", id, "files", name] => {
                let file = File::ALL.into_iter().find(|file| file.name() == name)?;
                Self::Download(job(id)?, file)
            }
            ["executions", id] => Self::Execution(execution(id)?),
            ["executions", id, "retry"] => Self::RetryExecution(execution(id)?),
            ["executions", id, "label"] => Self::Label(execution(id)?),
            ["system"] => Self::System,
            ["sign-in"] => Self::SignIn,
            ["sign-out"] => Self::SignOut,
            ["assets", name] => Self::Asset(name.to_owned()),
            _ => return None,
        })
    }

    /// Whether it shows, and whether it changes.
    fn takes(&self) -> (bool, bool) {
        match self {
            Self::New
            | Self::Cancel(_)
            | Self::Retry(_)
            | Self::RetryExecution(_)
            | Self::SignIn => (true, true),
            Self::Estimate | Self::Classify(_) | Self::Label(_) | Self::SignOut => (false, true),
            Self::Jobs
            | Self::Job(_)
            | Self::Live(_)
            | Self::Matrix(_)
            | Self::Question(..)
            | Self::Findings(_)
            | Self::Files(_)
            | Self::Download(..)
            | Self::Execution(_)
            | Self::System
            | Self::Asset(_) => (true, false),
        }
    }

    /// The job that it is of.
    pub(crate) fn job(&self) -> Option<&JobId> {
        match self {
            Self::Job(id)
            | Self::Live(id)
            | Self::Cancel(id)
            | Self::Retry(id)
            | Self::Matrix(id)
            | Self::Question(id, _)
            | Self::Findings(id)
            | Self::Classify(id)
            | Self::Files(id)
            | Self::Download(id, _) => Some(id),
            Self::Execution(id) | Self::RetryExecution(id) | Self::Label(id) => Some(&id.job),
            Self::Jobs
            | Self::New
            | Self::Estimate
            | Self::System
            | Self::SignIn
            | Self::SignOut
            | Self::Asset(_) => None,
        }
    }

    fn allow(&self) -> &'static str {
        match self.takes() {
            (true, true) => "GET, HEAD, POST",
            (false, _) => "POST",
            (true, false) => "GET, HEAD",
        }
    }

    /// The least role that may ask; none where anybody may.
    pub(crate) fn needs(&self) -> Option<Role> {
        match self {
            Self::SignIn | Self::SignOut | Self::Asset(_) => None,
            Self::Jobs
            | Self::Job(_)
            | Self::Live(_)
            | Self::Matrix(_)
            | Self::Question(..)
            | Self::Findings(_)
            | Self::Files(_)
            | Self::Download(..)
            | Self::Execution(_)
            | Self::System => Some(Role::Reader),
            Self::New
            | Self::Estimate
            | Self::Cancel(_)
            | Self::Retry(_)
            | Self::RetryExecution(_)
            | Self::Classify(_)
            | Self::Label(_) => Some(Role::Submitter),
        }
    }
}

/// As it stands in a link.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jobs => f.write_str("/"),
            Self::New => f.write_str("/new"),
            Self::Estimate => f.write_str("/new/estimate"),
            Self::Job(id) => write!(f, "/jobs/{id}"),
            Self::Live(id) => write!(f, "/jobs/{id}/live"),
            Self::Cancel(id) => write!(f, "/jobs/{id}/cancel"),
            Self::Retry(id) => write!(f, "/jobs/{id}/retry"),
            Self::Matrix(id) => write!(f, "/jobs/{id}/matrix"),
            Self::Question(id, index) => write!(f, "/jobs/{id}/questions/{}", index.0),
            Self::Findings(id) => write!(f, "/jobs/{id}/findings"),
            Self::Classify(id) => write!(f, "/jobs/{id}/classify"),
            Self::Files(id) => write!(f, "/jobs/{id}/files"),
            Self::Download(id, file) => write!(f, "/jobs/{id}/files/{}", file.name()),
            Self::Execution(id) => write!(f, "/executions/{id}"),
            Self::RetryExecution(id) => write!(f, "/executions/{id}/retry"),
            Self::Label(id) => write!(f, "/executions/{id}/label"),
            Self::System => f.write_str("/system"),
            Self::SignIn => f.write_str("/sign-in"),
            Self::SignOut => f.write_str("/sign-out"),
            Self::Asset(name) => write!(f, "/assets/{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all() -> Vec<Address> {
        let job = || JobId::new("j").unwrap();
        let execution = || ExecutionId::parse("j.0.us-east.0.m").unwrap();
        let mut all = vec![
            Address::Jobs,
            Address::New,
            Address::Estimate,
            Address::Job(job()),
            Address::Live(job()),
            Address::Cancel(job()),
            Address::Retry(job()),
            Address::Matrix(job()),
            Address::Question(job(), QuestionIndex(7)),
            Address::Findings(job()),
            Address::Classify(job()),
            Address::Files(job()),
            Address::Execution(execution()),
            Address::RetryExecution(execution()),
            Address::Label(execution()),
            Address::System,
            Address::SignIn,
            Address::SignOut,
            Address::Asset("portal.css".to_owned()),
        ];
        all.extend(File::ALL.map(|file| Address::Download(job(), file)));
        all
    }

    #[test]
    fn a_link_leads_to_what_it_is_of() {
        for address in all() {
            let (shows, changes) = address.takes();
            let read = |method| Address::read(method, &address.to_string());
            let refused = || Err(NoAddress::MethodNotAllowed { allow: address.allow() });
            let expected = |takes, method| {
                if takes { Ok((address.clone(), method)) } else { refused() }
            };
            assert_eq!(read("GET"), expected(shows, Method::Show), "{address}");
            assert_eq!(read("POST"), expected(changes, Method::Change), "{address}");
            assert_eq!(read("DELETE"), refused(), "{address}");
        }
    }

    #[test]
    fn what_changes_a_job_is_for_those_who_may_submit() {
        for address in all() {
            let changes = address.takes().1;
            let signs = [Address::SignIn, Address::SignOut].contains(&address);
            if changes && !signs {
                assert_eq!(address.needs(), Some(Role::Submitter), "{address}");
            }
        }
    }

    /// Methods and paths of the template's routes to the portal.
    fn routes() -> BTreeSet<(&'static str, &'static str)> {
        let template = include_str!("../../../template.yaml");
        let lines: Vec<&str> = template.lines().map(str::trim).collect();
        let route = |two: &[&'static str]| {
            let [key, target] = two else { return None };
            let key = key.strip_prefix("RouteKey: ")?;
            target.ends_with("${PortalIntegration}").then(|| key.split_once(' '))?
        };
        lines.windows(2).filter_map(route).collect()
    }

    #[test]
    fn on_aws_every_address_has_its_routes_and_every_route_an_address() {
        let routes = routes();
        let leads = |route: &str, path: &str| match route.strip_suffix("{proxy+}") {
            Some(start) => path.strip_prefix(start).is_some_and(|rest| !rest.is_empty()),
            None => path == route,
        };
        let mut used = BTreeSet::new();
        for address in all() {
            let (path, (shows, changes)) = (address.to_string(), address.takes());
            for (method, takes) in [("GET", shows), ("POST", changes)] {
                let of = routes.iter().filter(|(of, route)| *of == method && leads(route, &path));
                let of: Vec<_> = of.collect();
                if takes {
                    assert_eq!(of.len(), 1, "{method} {path}");
                    used.extend(of);
                }
            }
        }
        assert_eq!(used, routes.iter().collect());
    }

    #[test]
    fn what_is_nowhere_is_not_found() {
        for nowhere in
            ["", "//", "/jobs", "/jobs/a b", "/jobs/j/x", "/executions/x", "/New", "/api/v1/jobs"]
        {
            assert_eq!(Address::read("GET", nowhere), Err(NoAddress::NotFound), "{nowhere}");
        }
    }
}
