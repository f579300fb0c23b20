//! What AWS charges in us-east-1, each price with where it is from and when it was looked up.

use crate::money::Dollars;

/// What AWS charges for one of something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AwsPrice {
    /// US dollars for a million of them.
    pub per_million: f64,
    /// For people.
    pub name: &'static str,
    /// Where it was read.
    pub source: &'static str,
    /// Whether that is AWS's own page.
    pub is_primary: bool,
}

impl AwsPrice {
    /// For so many.
    pub fn of(&self, count: f64) -> Dollars {
        let dollars = Dollars::new(count * self.per_million / 1e6);
        // No job uses for a million dollars of anything.
        dollars.unwrap_or(Dollars::from_nanos(u64::MAX))
    }
}

/// What AWS charges for all that a job uses, without the free tiers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AwsPrices {
    /// When they were looked up.
    pub as_of: &'static str,
    /// Where they hold.
    pub region: &'static str,
    /// On-demand.
    pub write_unit: AwsPrice,
    /// On-demand.
    pub read_unit: AwsPrice,
    /// Of a FIFO queue; those of the standard queues, which are few, are counted as these.
    pub queue_request: AwsPrice,
    /// An invocation.
    pub lambda_request: AwsPrice,
    /// On arm64.
    pub gb_second: AwsPrice,
    /// Ingested by `CloudWatch` Logs.
    pub log_byte: AwsPrice,
    /// Of a Step Functions Standard workflow; Beacon has none, docs/cost.md compares.
    pub transition: AwsPrice,
}

/// The prices of us-east-1.
pub const AWS: AwsPrices = AwsPrices {
    as_of: "2026-11-26",
    region: "us-east-1",
    write_unit: AwsPrice {
        per_million: 0.625,
        name: "DynamoDB write request units",
        source: "https://airbyte.com/data-engineering-resources/dynamodb-pricing",
        is_primary: false,
    },
    read_unit: AwsPrice {
        per_million: 0.125,
        name: "DynamoDB read request units",
        source: "https://airbyte.com/data-engineering-resources/dynamodb-pricing",
        is_primary: false,
    },
    queue_request: AwsPrice {
        per_million: 0.50,
        name: "SQS FIFO requests",
        source: "https://cloudburn.io/blog/amazon-sqs-pricing",
        is_primary: false,
    },
    lambda_request: AwsPrice {
        per_million: 0.20,
        name: "Lambda requests",
        source: "https://cloudchipr.com/blog/aws-lambda-pricing",
        is_primary: false,
    },
    gb_second: AwsPrice {
        per_million: 13.3334,
        name: "Lambda GB-seconds (arm64)",
        source: "https://cloudchipr.com/blog/aws-lambda-pricing",
        is_primary: false,
    },
    log_byte: AwsPrice {
        per_million: 0.000_5,
        name: "bytes of CloudWatch logs",
        source: "https://c3x.dev/blog/cloudwatch-logs-cost-optimization",
        is_primary: false,
    },
    transition: AwsPrice {
        per_million: 25.0,
        name: "Step Functions state transitions",
        source: "https://aws.amazon.com/step-functions/pricing/",
        is_primary: true,
    },
};
