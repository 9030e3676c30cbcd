//! Where a decoder's time goes, part by part. Must cost nothing that shows: a dozen looks at the clock a layer.

use std::time::{Duration, Instant};

/// A part of a forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Embed,
    Quantise,
    Qkv,
    Keep,
    Attend,
    Output,
    Wide,
    Down,
    Head,
}

/// Stages in their order, by name.
const NAMES: [&str; 9] = [
    "embeddings, angles",
    "norms, SwiGLU, quantising",
    "queries, keys, values",
    "rope, keeping",
    "attention",
    "attention's output",
    "gate and up",
    "down",
    "logits",
];

/// Time that went into each stage.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    spent: [Duration; NAMES.len()],
    last: Option<Instant>,
}

impl Clock {
    /// From now on.
    pub(crate) fn start(&mut self) {
        self.last = Some(Instant::now());
    }

    /// What passed since the last look went into `stage`.
    pub(crate) fn lap(&mut self, stage: Stage) {
        let now = Instant::now();
        if let Some(last) = self.last.replace(now) {
            self.spent[stage as usize] += now - last;
        }
    }

    /// All stages.
    pub(crate) fn spent(&self) -> Vec<(&'static str, Duration)> {
        NAMES.into_iter().zip(self.spent).collect()
    }
}
