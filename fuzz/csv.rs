//! Exports as somebody hostile would write them: CSV and JSONL, in any encoding, packed or not. Must not panic, hold more than a
//! record, or take long.
#![no_main]

use std::io;
use std::ops::ControlFlow;

use firstline_psa::{ImportOptions, Outputs, Preset, import};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, export)) = bytes.split_first() else { return };
    let preset = [None, Some(Preset::ConnectWise), Some(Preset::Autotask), Some(Preset::HaloPsa)][usize::from(first & 3)];
    let options = ImportOptions { preset, strict: first & 4 != 0, ..ImportOptions::default() };
    let outputs = Outputs { tickets: &mut io::sink(), rejects: &mut io::sink() };
    let _refused = import(export, "export", &options, outputs, &mut |_| ControlFlow::Continue(()));
});
