//! Bulk for engines that embed one padded batch a call: either call after call with all threads, or as many calls
//! at a time as there are threads, each in a pool of one thread ("lanes"). Must not favour either: the driver
//! chooses the faster one for each engine.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Engine, Result, Way, time};

/// Batch sizes tried.
const SIZES: [usize; 6] = [1, 2, 4, 8, 16, 32];
/// Of so many batches one is tried.
const SAMPLE: usize = 4;

/// An engine of one padded batch a call.
pub trait Padded: Sync {
    /// Vectors of unit length of a batch, with the threads of the pool it is called in.
    fn embed(&self, batch: &[&[u32]]) -> Result<Vec<f32>>;
}

/// A padded engine with its pools: one of all threads, and as many of one thread.
pub struct Lanes<E> {
    engine: E,
    all: ThreadPool,
    single: Vec<ThreadPool>,
}

impl<E: Padded> Lanes<E> {
    /// As many threads as `RAYON_NUM_THREADS` says.
    pub fn new(engine: E) -> Result<Self> {
        let pool = |threads| ThreadPoolBuilder::new().num_threads(threads).build();
        let all = pool(0)?;
        let single =
            (0..all.current_num_threads()).map(|_| pool(1)).collect::<std::result::Result<_, _>>()?;
        Ok(Self { engine, all, single })
    }
}

impl<E: Padded> Lanes<E> {
    /// Embeds batches, given as indices of texts; the vectors stand at those indices.
    fn run(&self, texts: &[Vec<u32>], batches: &[&[usize]], lanes: usize) -> Result<Vec<f32>> {
        let (next, out) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let lane = |pool: &ThreadPool| -> Result<()> {
            pool.install(|| {
                while let Some(some) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let batch: Vec<&[u32]> = some.iter().map(|&i| texts[i].as_slice()).collect();
                    let vectors = self.engine.embed(&batch)?;
                    let width = vectors.len() / some.len();
                    let mut out = out.lock().expect("no lane panics while it writes");
                    out.resize(texts.len() * width, 0.0);
                    for (&i, vector) in some.iter().zip(vectors.chunks_exact(width)) {
                        out[i * width..][..width].copy_from_slice(vector);
                    }
                }
                Ok(())
            })
        };
        if lanes == 1 {
            lane(&self.all)?;
        } else {
            std::thread::scope(|scope| {
                let lanes: Vec<_> =
                    self.single[..lanes].iter().map(|pool| scope.spawn(|| lane(pool))).collect();
                lanes.into_iter().try_for_each(|lane| lane.join().expect("a lane does not panic"))
            })?;
        }
        Ok(out.into_inner().expect("no lane panics while it writes"))
    }
}

impl<E: Padded> Engine for Lanes<E> {
    fn alone(&self, text: &[u32]) -> Result<Vec<f32>> {
        self.all.install(|| self.engine.embed(&[text]))
    }

    fn bulk(&self, texts: &[Vec<u32>], way: Way) -> Result<Vec<f32>> {
        let order = longest_first(texts);
        self.run(texts, &order.chunks(way.batch).collect::<Vec<_>>(), way.lanes)
    }

    /// Judged by every fourth batch, each run once before.
    fn tune(&self, texts: &[Vec<u32>]) -> Result<Way> {
        let order = longest_first(texts);
        let mut lanes = vec![1, self.single.len()];
        lanes.dedup();
        let mut best = (f64::INFINITY, Way { batch: 1, lanes: 1 });
        for way in lanes.into_iter().flat_map(|lanes| SIZES.map(|batch| Way { batch, lanes })) {
            let batches: Vec<&[usize]> = order.chunks(way.batch).step_by(SAMPLE).collect();
            self.run(texts, &batches, way.lanes)?;
            let ms = time(|| self.run(texts, &batches, way.lanes))?;
            let tokens: usize = batches.iter().flat_map(|some| some.iter()).map(|&i| texts[i].len()).sum();
            let each = ms / tokens as f64;
            if each < best.0 {
                best = (each, way);
            }
        }
        Ok(best.1)
    }
}

fn longest_first(texts: &[Vec<u32>]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(texts[i].len()));
    order
}

/// Ids of a batch, padded with 0, and the mask: `n * longest` each.
pub fn pad<T: Copy>(batch: &[&[u32]], from: impl Fn(u32) -> T) -> (Vec<T>, Vec<T>, usize) {
    let longest = batch.iter().map(|ids| ids.len()).max().unwrap_or(0);
    let (zero, one) = (from(0), from(1));
    let (mut ids, mut mask) = (vec![zero; batch.len() * longest], vec![zero; batch.len() * longest]);
    for (row, text) in batch.iter().enumerate() {
        for (i, &id) in text.iter().enumerate() {
            ids[row * longest + i] = from(id);
            mask[row * longest + i] = one;
        }
    }
    (ids, mask, longest)
}
