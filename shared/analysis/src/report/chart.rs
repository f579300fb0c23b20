//! Dots with whiskers: values with their intervals, before they are drawn.

/// Values on one axis, a row each.
pub(super) struct Chart {
    pub(super) title: String,
    /// For those who do not see it: what is shown and where the numbers stand.
    pub(super) description: String,
    /// Ends of the axis.
    pub(super) low: f64,
    pub(super) high: f64,
    /// Values that have a tick and a label.
    pub(super) ticks: Vec<(f64, String)>,
    pub(super) rows: Vec<Row>,
    /// Rows that there are, where not all are drawn.
    pub(super) cut_from: Option<usize>,
    /// The kinds of dots and what they stand for.
    pub(super) legend: Vec<(Dot, &'static str)>,
}

/// One row: a name and its dots.
pub(super) struct Row {
    pub(super) label: String,
    /// The numbers in words.
    pub(super) value: String,
    pub(super) points: Vec<Point>,
}

/// A value and its interval, if there is one.
pub(super) struct Point {
    pub(super) dot: Dot,
    pub(super) value: f64,
    pub(super) whisker: Option<(f64, f64)>,
}

/// A dot's shape tells what it stands for, without colour.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dot {
    /// A filled circle.
    Disc,
    /// A hollow diamond.
    Diamond,
}

/// Rows of a chart at most.
pub(super) const MAX_ROWS: usize = 40;

impl Chart {
    /// A chart of shares from 0 to 100 %.
    pub(super) fn of_shares(title: String, description: String, rows: Vec<Row>) -> Self {
        let ticks = [0.0, 0.25, 0.5, 0.75, 1.0];
        let ticks = ticks.map(|tick| (tick, format!("{:.0} %", tick * 100.0))).into();
        let legend = vec![
            (Dot::Disc, "strict: refused, partly refused or blocked"),
            (Dot::Diamond, "broad: the same, or evasive"),
        ];
        Self::new(title, description, (0.0, 1.0), ticks, legend, rows)
    }

    /// A chart of differences in percentage points, around nought.
    pub(super) fn of_points(title: String, description: String, rows: Vec<Row>) -> Self {
        let ends = rows.iter().flat_map(|row| &row.points).flat_map(|point| {
            let (low, high) = point.whisker.unwrap_or((point.value, point.value));
            [low.abs(), high.abs(), point.value.abs()]
        });
        let widest = ends.filter(|end| end.is_finite()).fold(0.0, f64::max);
        let end = [5.0, 10.0, 20.0, 50.0].into_iter().find(|end| widest <= *end).unwrap_or(100.0);
        let ticks = [-end, -end / 2.0, 0.0, end / 2.0, end];
        let ticks = ticks
            .map(|tick| (tick, if tick == 0.0 { "0".to_owned() } else { format!("{tick:+}") }));
        let legend = vec![(Dot::Disc, "strict"), (Dot::Diamond, "broad")];
        Self::new(title, description, (-end, end), ticks.into(), legend, rows)
    }

    fn new(
        title: String,
        description: String,
        (low, high): (f64, f64),
        ticks: Vec<(f64, String)>,
        legend: Vec<(Dot, &'static str)>,
        mut rows: Vec<Row>,
    ) -> Self {
        let cut_from = (rows.len() > MAX_ROWS).then_some(rows.len());
        rows.truncate(MAX_ROWS);
        Self { title, description, low, high, ticks, rows, cut_from, legend }
    }

    /// Where a value stands on the axis, 0 at its low end to 1; none for what is no number.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        let place = (value - self.low) / (self.high - self.low);
        place.is_finite().then(|| place.clamp(0.0, 1.0))
    }
}
