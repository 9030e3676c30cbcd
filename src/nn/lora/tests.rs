//! Tiny decoders of both architectures that learn: losses against the decoder's own logits, gradients against differences,
//! what is exported against what was learnt, and what does not fit.

use tempfile::TempDir;

use super::*;
use crate::tiny::decoder::{CONTEXT, LAYERS};
use crate::{Decoder, write_tiny_decoder};

const ARCHITECTURES: [&str; 2] = ["llama", "qwen2"];
const OPTIONS: LoraOptions = LoraOptions { rank: 4, alpha: 8.0, rate: 1e-2, clip: 1.0, layers: 0 };

struct Toy {
    dir: TempDir,
    tuner: LoraTuner,
}

impl Toy {
    fn new(architecture: &str, options: LoraOptions, seed: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tiny.gguf");
        write_tiny_decoder(&path, architecture).unwrap();
        let tuner = LoraTuner::open(&path, options, seed).unwrap();
        Self { dir, tuner }
    }

    fn decoder(&self, name: &str) -> Decoder {
        Decoder::open(&self.dir.path().join(name), 1).unwrap()
    }

    fn values(&self) -> Vec<Vec<f32>> {
        self.tuner.parameters.iter().map(|p| p.values().unwrap()).collect()
    }

    /// Adapters that change something, and whose every value has a gradient.
    fn stir(&mut self) {
        let mut random = SplitMix::new(5);
        for p in &self.tuner.parameters {
            p.set((0..p.len()).map(|_| 0.05 * random.normal()).collect()).unwrap();
        }
    }
}

/// Three texts: of lengths that are no whole number of anything, and one of a single token that counts.
fn texts() -> Vec<(Vec<u32>, usize)> {
    let text = |n: u32, by: u32| (0..n).map(|i| (i * by + by) % 250).collect();
    vec![(text(23, 37), 9), (text(40, 11), 1), (text(7, 91), 6)]
}

fn lessons(texts: &[(Vec<u32>, usize)]) -> Vec<Lesson<'_>> {
    texts.iter().map(|(tokens, from)| Lesson { tokens, from: *from }).collect()
}

/// The mean loss of the tokens that count, from the decoder's logits.
fn loss(decoder: &Decoder, lessons: &[Lesson<'_>]) -> f64 {
    let (mut sum, mut n) = (0.0, 0);
    for Lesson { tokens, from } in lessons {
        let mut sequence = decoder.sequence(tokens.len());
        let mut read = 0;
        for i in *from..tokens.len() {
            let mut logits = decoder.read(&mut [(&mut sequence, &tokens[read..i])]).unwrap();
            read = i;
            let told = f64::from(logits[tokens[i] as usize]);
            sum += ops::softmax(&mut logits) - told;
            n += 1;
        }
    }
    sum / n as f64
}

#[test]
fn with_nothing_learnt_the_loss_is_the_decoders() {
    for architecture in ARCHITECTURES {
        let toy = Toy::new(architecture, OPTIONS, 1);
        let texts = texts();
        let (got, want) =
            (toy.tuner.loss(&lessons(&texts)).unwrap(), loss(&toy.decoder("tiny.gguf"), &lessons(&texts)));
        // The decoder rounds activations to 8 bits.
        assert!((got / want - 1.0).abs() < 0.02, "{architecture}: {got}, {want}");
        // What counts is what is asked for.
        let one = [Lesson { from: 22, ..lessons(&texts)[0] }];
        let (got, want) = (toy.tuner.loss(&one).unwrap(), loss(&toy.decoder("tiny.gguf"), &one));
        assert!((got / want - 1.0).abs() < 0.05, "{architecture}: {got}, {want}");
    }
}

#[test]
fn gradients_are_the_slopes_of_the_loss() {
    for architecture in ARCHITECTURES {
        let mut toy = Toy::new(architecture, OPTIONS, 1);
        toy.stir();
        let texts = texts();
        let (tokens, from) = &texts[0];
        let network = &toy.tuner.network;
        let x = toy.tuner.embed(&lessons(&texts)[0]);
        let counted = (tokens.len() - from) as f64;
        let (sum, gradients) = network.gradients(x.clone(), tokens, *from, 1.0 / counted).unwrap();
        assert_eq!(sum, network.loss(x.clone(), tokens, *from).unwrap());
        assert_eq!(gradients.len(), 2 * MATRICES.len() * LAYERS);
        let mut random = SplitMix::new(8);
        for (i, (p, gradient)) in toy.tuner.parameters.iter().zip(&gradients).enumerate() {
            assert_eq!(gradient.len(), p.len());
            let values = p.values().unwrap();
            // Along its own gradient, where the slope is its length; and any one way.
            let length = gradient.iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
            assert!(length > 1e-4, "{architecture} {i}: {length}");
            let own: Vec<f32> = gradient.iter().map(|g| g / length as f32).collect();
            let any: Vec<f32> = (0..p.len()).map(|_| random.normal() / (p.len() as f32).sqrt()).collect();
            for way in [own, any] {
                let step = 2e-3;
                let moved = |by: f32| {
                    p.set(values.iter().zip(&way).map(|(v, w)| v + by * w).collect()).unwrap();
                    network.loss(x.clone(), tokens, *from).unwrap() / counted
                };
                let slope = (moved(step) - moved(-step)) / (2.0 * f64::from(step));
                let want: f64 = gradient.iter().zip(&way).map(|(g, w)| f64::from(g * w)).sum();
                assert!(
                    (slope - want).abs() < 0.01 * length + 1e-3,
                    "{architecture} {i}: {slope}, {want}, {length}"
                );
            }
            p.set(values).unwrap();
        }
    }
}

#[test]
fn it_learns_and_what_is_exported_is_what_was_learnt() {
    for architecture in ARCHITECTURES {
        let mut toy = Toy::new(architecture, OPTIONS, 1);
        let texts = texts();
        let lessons = lessons(&texts);
        let before = toy.tuner.loss(&lessons).unwrap();
        let steps = 40;
        for i in 0..steps {
            let told = toy.tuner.step(&lessons, (f64::from(i) + 0.5) / f64::from(steps)).unwrap();
            assert!(i > 0 || (told - before).abs() < 1e-6, "{told}, {before}");
        }
        let after = toy.tuner.loss(&lessons).unwrap();
        assert!(after < 0.1 * before, "{architecture}: {before}, {after}");
        let path = toy.dir.path().join("learnt.gguf");
        toy.tuner.export(&path).unwrap();
        let got = loss(&toy.decoder("learnt.gguf"), &lessons);
        assert!((got - after).abs() < 0.03 * before, "{architecture}: {got}, {after}");
        // In float32 only the matrices' rounding is left.
        let again = LoraTuner::open(&path, OPTIONS, 2).unwrap().loss(&lessons).unwrap();
        assert!((again - after).abs() < 0.01 * before, "{architecture}: {again}, {after}");
    }
}

#[test]
fn only_the_layers_that_learn_change_in_the_file() {
    let options = LoraOptions { layers: 1, ..OPTIONS };
    let mut toy = Toy::new("qwen2", options, 1);
    assert_eq!(toy.tuner.parameters.len(), 2 * MATRICES.len());
    let texts = texts();
    let before = toy.tuner.loss(&lessons(&texts)).unwrap();
    for _ in 0..5 {
        toy.tuner.step(&lessons(&texts), 0.1).unwrap();
    }
    let after = toy.tuner.loss(&lessons(&texts)).unwrap();
    assert!(after < 0.8 * before, "{before}, {after}");
    let path = toy.dir.path().join("learnt.gguf");
    // Over a file that is there, too.
    std::fs::write(&path, "old").unwrap();
    toy.tuner.export(&path).unwrap();
    let (old, new) = (&toy.tuner.file, std::fs::read(&path).unwrap());
    let (at, now) = (&toy.tuner.gguf, Gguf::parse(&new, "new").unwrap());
    for name in at.names() {
        let (a, b) = (at.tensor(name).unwrap(), now.tensor(name).unwrap());
        let learns = MATRICES.iter().any(|part| name == format!("blk.1.{part}.weight"));
        assert_eq!(old[a.bytes.clone()] != new[b.bytes.clone()], learns, "{name}");
        assert_eq!(b.kind, if learns { Kind::Q8_0 } else { a.kind });
    }
    let got = loss(&toy.decoder("learnt.gguf"), &lessons(&texts));
    assert!((got - after).abs() < 0.04 * before, "{before}, {after}, {got}");
    // Nowhere to write: nothing is left behind.
    let nowhere = toy.dir.path().join("none").join("learnt.gguf");
    assert_eq!(toy.tuner.export(&nowhere).unwrap_err().code(), Some(Code::Io));
}

#[test]
fn the_seed_decides_and_threads_do_not() {
    let learnt = |seed, threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut toy = Toy::new("llama", OPTIONS, seed);
            let texts = texts();
            let losses = [0.1, 0.2].map(|share| toy.tuner.step(&lessons(&texts), share).unwrap());
            (losses, toy.values())
        })
    };
    let first = learnt(1, 1);
    assert_eq!(first, learnt(1, 1));
    assert_eq!(first, learnt(1, 3));
    assert_ne!(first.1, learnt(2, 1).1);
}

#[test]
fn the_rate_rises_and_falls() {
    let moved = |share| {
        let mut toy = Toy::new("llama", OPTIONS, 1);
        let before = toy.values();
        toy.tuner.step(&lessons(&texts()), share).unwrap();
        let apart =
            toy.values().concat().iter().zip(before.concat()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        apart / OPTIONS.rate as f32
    };
    for (share, want) in
        [(0.05, 0.5), (0.1, 1.0), (0.55, 0.5), (0.0, 0.0), (1.0, 0.0), (7.0, 0.0), (f64::NAN, 0.0)]
    {
        assert!((moved(share) - want).abs() < 0.01, "{share}: {}", moved(share));
    }
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_changes() {
    let mut toy = Toy::new("llama", OPTIONS, 1);
    let before = toy.values();
    assert_eq!(toy.tuner.longest(), CONTEXT.min(super::MOST_TOKENS));
    let long = vec![1; toy.tuner.longest() + 1];
    let bad: [(&[u32], usize); 8] = [
        (&[], 0),
        (&[], 1),
        (&[1], 1),
        (&[1, 2], 0),
        (&[1, 2], 2),
        (&[1, 2], usize::MAX),
        (&[1, 9_999], 1),
        (&long, 1),
    ];
    for (tokens, from) in bad {
        let batch = [Lesson { tokens: &[1, 2, 3], from: 1 }, Lesson { tokens, from }];
        assert_eq!(toy.tuner.step(&batch, 0.5).unwrap_err().code(), Some(Code::Input));
        assert_eq!(toy.tuner.loss(&batch).unwrap_err().code(), Some(Code::Input));
    }
    assert_eq!(toy.tuner.step(&[], 0.5).unwrap_err().code(), Some(Code::Input));
    assert_eq!(toy.tuner.loss(&[]).unwrap_err().code(), Some(Code::Input));
    assert_eq!(toy.values(), before);
    // Adapters that make no numbers: neither a step nor a file comes of them.
    toy.tuner.parameters[1].set(vec![f32::NAN; before[1].len()]).unwrap();
    let batch = [Lesson { tokens: &[1, 2, 3], from: 1 }];
    assert_eq!(toy.tuner.step(&batch, 0.5).unwrap_err().code(), Some(Code::Model));
    assert_eq!(toy.tuner.loss(&batch).unwrap_err().code(), Some(Code::Model));
    assert_eq!(toy.values()[2..], before[2..]);
    let path = toy.dir.path().join("none.gguf");
    assert_eq!(toy.tuner.export(&path).unwrap_err().code(), Some(Code::Model));
    assert!(!path.exists());
}

#[test]
fn files_and_options_that_can_not_be_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    write_tiny_decoder(&path, "qwen2").unwrap();
    let bad = [
        LoraOptions { rank: 0, ..OPTIONS },
        LoraOptions { rank: 257, ..OPTIONS },
        LoraOptions { alpha: f64::NAN, ..OPTIONS },
        LoraOptions { rate: -1.0, ..OPTIONS },
        LoraOptions { clip: 0.0, ..OPTIONS },
    ];
    for options in bad {
        assert_eq!(LoraTuner::open(&path, options, 1).unwrap_err().code(), Some(Code::Config));
    }
    // More layers than there are is all of them.
    let all = LoraTuner::open(&path, LoraOptions { layers: 99, ..OPTIONS }, 1).unwrap();
    assert_eq!(all.parameters.len(), 2 * MATRICES.len() * LAYERS);
    let whole = std::fs::read(&path).unwrap();
    for n in [0, 3, 100, 5_000, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..n]).unwrap();
        assert_eq!(LoraTuner::open(&path, OPTIONS, 1).unwrap_err().code(), Some(Code::Model), "{n} bytes");
    }
    write_tiny_decoder(&path, "mamba").unwrap();
    assert_eq!(LoraTuner::open(&path, OPTIONS, 1).unwrap_err().code(), Some(Code::Model));
    assert_eq!(LoraTuner::open(&dir.path().join("none"), OPTIONS, 1).unwrap_err().code(), Some(Code::Io));
    assert_eq!(LoraTuner::open(dir.path(), OPTIONS, 1).unwrap_err().code(), Some(Code::Io));
    // Tensors that all lie in one place would take more memory than the file is worth.
    write_tiny_decoder(&path, "qwen2").unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    let gguf = Gguf::parse(&bytes, "tiny").unwrap();
    let places: Vec<_> = gguf.names().map(|name| (name, gguf.tensor(name).unwrap().bytes.clone())).collect();
    let start = places.iter().map(|(_, place)| place.start).min().unwrap();
    let longest = places.iter().map(|(_, place)| place.len()).max().unwrap();
    for (name, _) in &places {
        let named = [&(name.len() as u64).to_le_bytes()[..], name.as_bytes()].concat();
        let at = bytes.windows(named.len()).position(|window| window == named).unwrap() + named.len();
        let offset = at + 4 + 8 * usize::from(bytes[at]) + 4;
        bytes[offset..offset + 8].fill(0);
    }
    bytes.truncate(start + longest);
    std::fs::write(&path, &bytes).unwrap();
    let error = LoraTuner::open(&path, OPTIONS, 1).unwrap_err();
    assert!(error.code() == Some(Code::Model) && error.to_string().contains("overlap"), "{error}");
}
