//! candle's own BERT in float32, as candle-transformers has it.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};

use crate::Result;
use crate::lanes::{Padded, pad};

/// The model.
pub struct Candle(BertModel);

impl Candle {
    /// Loads `config.json` and `model.safetensors` in `dir`.
    pub fn load(dir: &Path) -> Result<Self> {
        let config: Config = serde_json::from_slice(&std::fs::read(dir.join("config.json"))?)?;
        let weights = std::fs::read(dir.join("model.safetensors"))?;
        let weights = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        Ok(Self(BertModel::load(weights, &config)?))
    }
}

impl Padded for Candle {
    fn embed(&self, batch: &[&[u32]]) -> Result<Vec<f32>> {
        let (ids, mask, longest) = pad(batch, |id| id);
        let shape = (batch.len(), longest);
        let ids = Tensor::from_vec(ids, shape, &Device::Cpu)?;
        let mask = Tensor::from_vec(mask, shape, &Device::Cpu)?;
        let padded = batch.iter().any(|ids| ids.len() < longest);
        let hidden = self.0.forward(&ids, &ids.zeros_like()?, padded.then_some(&mask))?;
        let sum = mask.to_dtype(DType::F32)?.unsqueeze(1)?.matmul(&hidden)?.squeeze(1)?;
        let unit = sum.broadcast_div(&sum.sqr()?.sum_keepdim(1)?.sqrt()?)?;
        Ok(unit.flatten_all()?.to_vec1()?)
    }
}
