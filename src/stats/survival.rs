//! Durations of which some have not ended yet (Kaplan and Meier, JASA 53, 1958): leaving those out, or taking them as ended, makes a
//! desk look faster than it is.

/// A duration that has ended, or lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Duration {
    /// How long it lasted, or has lasted so far.
    pub seconds: f64,
    /// Whether it has ended.
    pub ended: bool,
}

/// The product-limit estimate of how many last longer than a given time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KaplanMeier {
    /// Ascending times at which durations ended, each with the share that lasts longer.
    steps: Vec<(f64, f64)>,
}

impl KaplanMeier {
    /// The estimate from `durations`, in any order. At equal times those that end do so before those that are cut off. Not-a-number
    /// and negative ones are left out.
    pub fn new(durations: impl IntoIterator<Item = Duration>) -> Self {
        let mut all: Vec<Duration> = durations.into_iter().filter(|d| d.seconds >= 0.0).collect();
        all.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let (mut at_risk, mut lasting, mut steps) = (all.len(), 1.0, Vec::new());
        for tie in all.chunk_by(|a, b| a.seconds == b.seconds) {
            let ended = tie.iter().filter(|duration| duration.ended).count();
            if ended > 0 {
                lasting *= (at_risk - ended) as f64 / at_risk as f64;
                steps.push((tie[0].seconds, lasting));
            }
            at_risk -= tie.len();
        }
        Self { steps }
    }

    /// The share that lasts longer than `seconds`.
    pub fn lasting(&self, seconds: f64) -> f64 {
        let passed = self.steps.partition_point(|(at, _)| *at <= seconds);
        passed.checked_sub(1).map_or(1.0, |last| self.steps[last].1)
    }

    /// The time by which `share` of all have ended; `None` when so many have not ended yet.
    pub fn time_until(&self, share: f64) -> Option<f64> {
        // Products of fractions: 0.5 may come out a hair above.
        self.steps.iter().find(|(_, lasting)| *lasting <= 1.0 - share + 1e-12).map(|(at, _)| *at)
    }

    /// The time by which half have ended.
    pub fn median(&self) -> Option<f64> {
        self.time_until(0.5)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(ended: &[u32], open: &[u32]) -> Vec<Duration> {
        let of = |weeks: &[u32], ended| {
            weeks.iter().map(move |w| Duration { seconds: f64::from(*w), ended }).collect::<Vec<_>>()
        };
        [of(ended, true), of(open, false)].concat()
    }

    #[test]
    fn the_remissions_of_freireich_1963_come_out() {
        // Weeks of remission under 6-mercaptopurine; Gehan 1965, and every textbook since.
        let ended = [6, 6, 6, 7, 10, 13, 16, 22, 23];
        let open = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35];
        let curve = KaplanMeier::new(durations(&ended, &open));
        let published = [
            (6.0, 0.857),
            (7.0, 0.807),
            (10.0, 0.753),
            (13.0, 0.690),
            (16.0, 0.627),
            (22.0, 0.538),
            (23.0, 0.448),
        ];
        for (week, lasting) in published {
            assert!((curve.lasting(week) - lasting).abs() < 6e-4, "{week}: {}", curve.lasting(week));
        }
        assert_eq!((curve.median(), curve.lasting(5.9), curve.time_until(0.6)), (Some(23.0), 1.0, None));
    }

    #[test]
    fn without_open_ones_it_is_the_plain_share_and_order_does_not_matter() {
        let mut all = durations(&[1, 2, 3, 4], &[]);
        let curve = KaplanMeier::new(all.clone());
        assert_eq!((curve.lasting(2.0), curve.median(), curve.lasting(9.0)), (0.5, Some(2.0), 0.0));
        all.reverse();
        assert_eq!(KaplanMeier::new(all), curve);
        assert_eq!(KaplanMeier::new(durations(&[], &[5])).median(), None);
    }
}
