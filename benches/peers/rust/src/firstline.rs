//! Our encoder, and the texts of the bench made by our generator.

use std::ops::ControlFlow;
use std::path::Path;

use firstline_datasets::Settings;
use firstline_nn::{Encoder, Isa, Manifest, ModelStore, Tokens};
use firstline_triage::Reader;
use serde_json::json;

use crate::{Engine, Result, Way};

/// Tickets joined into one text, in turn: about a hundred tokens on average.
const JOINED: [usize; 5] = [1, 2, 3, 4, 4];

/// The encoder.
pub struct Ours(Encoder);

impl Ours {
    /// Loads the model in `dir`.
    pub fn load(dir: &Path) -> Result<Self> {
        Ok(Self(Encoder::load(dir, &Manifest::find(Manifest::DEFAULT)?)?))
    }
}

impl Engine for Ours {
    fn alone(&self, text: &[u32]) -> Result<Vec<f32>> {
        Ok(self.0.embed_tokens(&[Tokens { ids: text.to_vec(), cut: 0 }])?)
    }

    fn bulk(&self, texts: &[Vec<u32>], _: Way) -> Result<Vec<f32>> {
        let tokens: Vec<Tokens> = texts.iter().map(|ids| Tokens { ids: ids.clone(), cut: 0 }).collect();
        Ok(self.0.embed_tokens(&tokens)?)
    }

    /// It sorts, batches and spreads its work by itself.
    fn tune(&self, _: &[Vec<u32>]) -> Result<Way> {
        Ok(Way { batch: 0, lanes: 0 })
    }
}

/// Prints the model's folder, pulled first where it is not there, the instruction set, and the token ids of `count`
/// texts: generated tickets, seed 1, one to four of them joined, as a ticket grows with its mails.
pub fn texts(count: usize) -> Result<()> {
    let manifest = Manifest::find(Manifest::DEFAULT)?;
    let dir = ModelStore::open_default().ensure(&manifest, &mut |_| ControlFlow::Continue(()))?;
    let encoder = Encoder::load(&dir, &manifest)?;
    let mut tickets = firstline_datasets::generate(&Settings::default(), count * 4, 1);
    let mut ids = Vec::with_capacity(count);
    for i in 0..count {
        let texts: Vec<String> = tickets
            .by_ref()
            .take(JOINED[i % JOINED.len()])
            .map(|ticket| Reader::default().compose(&ticket).text())
            .collect();
        ids.push(encoder.tokenize(&texts.join("\n"))?.ids);
    }
    let isa = Isa::chosen()?;
    println!("{}", json!({ "folder": dir, "isa": isa.name(), "ids": ids }));
    Ok(())
}
