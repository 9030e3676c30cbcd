//! rten on the int8 ONNX graph, its weights packed when it is loaded.

use std::path::Path;
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;

use crate::Result;
use crate::lanes::{Padded, pad};

thread_local! {
    /// rten runs in a pool of its own, whichever it is called from: the pool of a lane.
    static LANE: Arc<ThreadPool> = Arc::new(ThreadPool::with_num_threads(1));
}

/// The model, with its inputs and its output.
pub struct Rten {
    model: Model,
    ids: NodeId,
    mask: NodeId,
    embedding: NodeId,
}

impl Rten {
    /// Loads the ONNX file `path`.
    pub fn load(path: &Path) -> Result<Self> {
        let model = ModelOptions::with_all_ops().prepack_weights(true).load_file(path)?;
        let (ids, mask) = (model.node_id("input_ids")?, model.node_id("attention_mask")?);
        let embedding = model.node_id("embedding")?;
        Ok(Self { model, ids, mask, embedding })
    }
}

impl Padded for Rten {
    fn embed(&self, batch: &[&[u32]]) -> Result<Vec<f32>> {
        let (ids, mask, longest) = pad(batch, |id| id as i32);
        let tensor = |data| NdTensor::from_data([batch.len(), longest], data);
        let inputs = vec![(self.ids, tensor(ids).into()), (self.mask, tensor(mask).into())];
        let pool = (rayon::current_num_threads() == 1).then(|| LANE.with(Arc::clone));
        let options = RunOptions::default().with_thread_pool(pool);
        let [out] = self.model.run_n(inputs, [self.embedding], Some(options))?;
        Ok(out.into_tensor::<f32>().ok_or("no float32 output")?.to_vec())
    }
}
