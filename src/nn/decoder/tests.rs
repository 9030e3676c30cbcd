//! Small random decoders in every form of weights against plain float64, and against themselves read in other pieces: on
//! the kernels, and on tensors, which have the CPU for their device here.

use std::ops::ControlFlow;
use std::path::Path;

use candle_core::quantized::QTensor;
use candle_core::{Device, Tensor};

use super::*;
use crate::tiny::decoder::{self as tiny, CONTEXT, HEADS, HIDDEN, KEPT, LAYERS, Recipe, SIZE};
use crate::{Constrain, Finish, Generation, Message, Request, Sampling};

/// A model as it was written, dequantised.
struct Model {
    tensors: Vec<(String, Vec<usize>, Vec<f32>)>,
    llama: bool,
}

/// Writes a model to `path`.
fn write(path: &Path, architecture: &str) -> Model {
    write_with(path, architecture, None, false)
}

/// The same with one tensor more, or with a head of its own and all matrices but the embeddings in float32.
fn write_with(path: &Path, architecture: &str, more: Option<&str>, floats: bool) -> Model {
    let made = tiny::write(path, &Recipe { architecture, more, floats }).unwrap();
    let values = |q: &QTensor| q.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    let tensors = made.iter().map(|(n, s, q)| (n.clone(), s.clone(), values(q))).collect();
    Model { tensors, llama: architecture != "qwen2" }
}

impl Model {
    fn get(&self, name: &str) -> Option<&[f32]> {
        self.tensors.iter().find(|(n, ..)| n == name).map(|(_, _, values)| values.as_slice())
    }

    fn linear(&self, x: &[f64], name: &str) -> Vec<f64> {
        let weight = self.get(&format!("{name}.weight")).unwrap();
        let bias = self.get(&format!("{name}.bias"));
        weight
            .chunks_exact(x.len())
            .enumerate()
            .map(|(i, row)| {
                let dot: f64 = row.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum();
                dot + bias.map_or(0.0, |b| f64::from(b[i]))
            })
            .collect()
    }

    fn norm(&self, x: &[f64], name: &str) -> Vec<f64> {
        let mean = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let weight = self.get(name).unwrap();
        x.iter().zip(weight).map(|(x, &w)| x / (mean + 1e-5).sqrt() * f64::from(w)).collect()
    }

    fn turn(&self, head: &mut [f64], position: usize) {
        for i in 0..SIZE / 2 {
            let angle = position as f64 * 10_000_f64.powf(-2.0 * i as f64 / SIZE as f64);
            let (a, b) = if self.llama { (2 * i, 2 * i + 1) } else { (i, SIZE / 2 + i) };
            (head[a], head[b]) = (
                head[a] * angle.cos() - head[b] * angle.sin(),
                head[b] * angle.cos() + head[a] * angle.sin(),
            );
        }
    }

    /// Logits after the last of `tokens`, the way the papers write it.
    fn logits(&self, tokens: &[u32]) -> Vec<f64> {
        let table = self.get("token_embd.weight").unwrap();
        let row = |t: &u32| table[*t as usize * HIDDEN..][..HIDDEN].iter().map(|&x| f64::from(x)).collect();
        let mut x: Vec<Vec<f64>> = tokens.iter().map(row).collect();
        for i in 0..LAYERS {
            let name = |part: &str| format!("blk.{i}.{part}");
            let mut qkv = Vec::new();
            for (position, x) in x.iter().enumerate() {
                let h = self.norm(x, &name("attn_norm.weight"));
                let [mut q, mut k, v] =
                    ["attn_q", "attn_k", "attn_v"].map(|part| self.linear(&h, &name(part)));
                q.chunks_exact_mut(SIZE).chain(k.chunks_exact_mut(SIZE)).for_each(|h| self.turn(h, position));
                qkv.push([q, k, v]);
            }
            for (position, x) in x.iter_mut().enumerate() {
                let mut mixed = Vec::new();
                for head in 0..HEADS {
                    let kept = head / (HEADS / KEPT) * SIZE..(head / (HEADS / KEPT) + 1) * SIZE;
                    let q = &qkv[position][0][head * SIZE..][..SIZE];
                    let weights: Vec<f64> = qkv[..=position]
                        .iter()
                        .map(|[_, k, _]| {
                            let dot: f64 = q.iter().zip(&k[kept.clone()]).map(|(q, k)| q * k).sum();
                            (dot / (SIZE as f64).sqrt()).exp()
                        })
                        .collect();
                    let total: f64 = weights.iter().sum();
                    mixed.extend(kept.clone().map(|d| {
                        qkv.iter().zip(&weights).map(|([_, _, v], w)| w * v[d]).sum::<f64>() / total
                    }));
                }
                let out = self.linear(&mixed, &name("attn_output"));
                x.iter_mut().zip(out).for_each(|(x, o)| *x += o);
                let h = self.norm(x, &name("ffn_norm.weight"));
                let [gate, up] = ["ffn_gate", "ffn_up"].map(|part| self.linear(&h, &name(part)));
                let act: Vec<f64> = gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
                let out = self.linear(&act, &name("ffn_down"));
                x.iter_mut().zip(out).for_each(|(x, o)| *x += o);
            }
        }
        let last = self.norm(x.last().unwrap(), "output_norm.weight");
        self.linear(&last, if self.get("output.weight").is_some() { "output" } else { "token_embd" })
    }
}

fn prompt(n: usize) -> Vec<u32> {
    (0..n).map(|i| (i * 37 % 256) as u32).collect()
}

fn open(dir: &Path, architecture: &str) -> (Decoder, Model) {
    let path = dir.join(format!("{architecture}.gguf"));
    let model = write(&path, architecture);
    (Decoder::open(&path, 2).unwrap(), model)
}

/// The same file on tensors.
fn on_tensors(path: &Path) -> Decoder {
    Decoder::open_on(path, Target::Tensors(Device::Cpu)).unwrap()
}

/// Logits after `tokens`, read at once.
fn read(decoder: &Decoder, tokens: &[u32]) -> Vec<f64> {
    let logits = decoder.read(&mut [(&mut decoder.sequence(CONTEXT), tokens)]).unwrap();
    logits.into_iter().map(f64::from).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The largest difference, as a share of the standard deviation of `want`.
fn apart(got: &[f64], want: &[f64]) -> f64 {
    let n = want.len() as f64;
    let mean = want.iter().sum::<f64>() / n;
    let deviation = (want.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n).sqrt();
    got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / deviation
}

#[test]
fn logits_come_near_what_float64_gives_in_every_architecture_and_on_every_instruction_set() {
    /// What quantising activations to 8 bits costs.
    const COSINE: f64 = 0.999;
    let dir = tempfile::tempdir().unwrap();
    for architecture in ["llama", "qwen2"] {
        let (_, model) = open(dir.path(), architecture);
        let tokens = prompt(21);
        let want = model.logits(&tokens);
        for isa in Isa::available() {
            let path = dir.path().join(format!("{architecture}.gguf"));
            let got = read(&Decoder::open_on(&path, Target::Kernels { isa, threads: 2 }).unwrap(), &tokens);
            let cosine = cosine(&got, &want);
            assert!(cosine > COSINE, "{architecture} on {isa}: {cosine}");
            let size = dot(&got, &got) / dot(&want, &want);
            assert!((size - 1.0).abs() < 0.03, "{architecture} on {isa}: {size}");
        }
    }
}

#[test]
fn on_tensors_floats_give_what_float64_gives() {
    /// What rounding to float32 costs, in deviations of the logits.
    const APART: f64 = 5e-5;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("floats.gguf");
    for architecture in ["llama", "qwen2"] {
        let model = write_with(&path, architecture, None, true);
        let decoder = on_tensors(&path);
        for n in [1, 2, 21] {
            let tokens = prompt(n);
            let apart = apart(&read(&decoder, &tokens), &model.logits(&tokens));
            assert!(apart < APART, "{architecture}, {n} tokens: {apart}");
        }
        // Nothing was laid out for the kernels.
        assert!(!pack::beside(&path).exists());
    }
}

#[test]
fn on_tensors_logits_come_near_those_of_float64_and_of_the_kernels() {
    /// What quantising activations to 8 bits costs beside float64, and what that is in deviations of the logits.
    const COSINE: f64 = 0.998;
    const APART: f64 = 0.25;
    /// Kernels and candle pay it each in their own way, so between the two there is up to twice the angle, and twice the distance.
    const COSINE_OF_TWO: f64 = 2.0 * COSINE * COSINE - 1.0;
    const APART_OF_TWO: f64 = 2.0 * APART;
    let dir = tempfile::tempdir().unwrap();
    for architecture in ["llama", "qwen2"] {
        let (kernels, model) = open(dir.path(), architecture);
        let tensors = on_tensors(&dir.path().join(format!("{architecture}.gguf")));
        for n in [1, 21, 100] {
            let tokens = prompt(n);
            let got = read(&tensors, &tokens);
            let others = [
                ("float64", model.logits(&tokens), COSINE, APART),
                ("kernels", read(&kernels, &tokens), COSINE_OF_TWO, APART_OF_TWO),
            ];
            for (than, want, least, most) in others {
                let (cosine, apart) = (cosine(&got, &want), apart(&got, &want));
                assert!(cosine > least && apart < most, "{architecture}, {n}, {than}: {cosine}, {apart}");
            }
        }
    }
}

#[test]
fn on_tensors_a_prompt_gives_nearly_the_same_however_it_is_read() {
    /// Sums are made in another order, which costs last digits of float32, in deviations of the logits.
    const APART: f64 = 1e-4;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("floats.gguf");
    for architecture in ["llama", "qwen2"] {
        write_with(&path, architecture, None, true);
        let decoder = on_tensors(&path);
        // More than go through the model at once, and more than there is room for at first.
        let tokens = prompt(tensors::ROWS + 120);
        let whole = read(&decoder, &tokens);
        let near = |sequence: &mut Sequence, rest: &[u32], case: &str| {
            let got = decoder.read(&mut [(sequence, rest)]).unwrap();
            let apart = apart(&got.into_iter().map(f64::from).collect::<Vec<_>>(), &whole);
            assert!(apart < APART, "{architecture}, {case}: {apart}");
        };
        for piece in [1, 7, 300] {
            let mut sequence = decoder.sequence(CONTEXT);
            let (begin, last) = tokens.split_at(tokens.len() - piece);
            for part in begin.chunks(piece) {
                decoder.read(&mut [(&mut sequence, part)]).unwrap();
            }
            near(&mut sequence, last, &format!("pieces of {piece}"));
            assert_eq!(sequence.tokens(), tokens);
        }
        // After a prompt that begins alike; what was read of it beyond that is forgotten.
        let mut sequence = decoder.sequence(tokens.len());
        let first: Vec<u32> = tokens[..300].iter().copied().chain([1, 2, 3]).collect();
        decoder.read(&mut [(&mut sequence, &first)]).unwrap();
        let rest = sequence.reuse(&tokens);
        assert_eq!(rest.len(), tokens.len() - 300);
        // Clones go on alone, whichever is first.
        let mut clones = [sequence.clone(), sequence.clone()];
        decoder.read(&mut [(&mut clones[0], &prompt(9))]).unwrap();
        near(&mut sequence, rest, "after another prompt");
        near(&mut clones[1], rest, "a clone");
        assert_eq!(clones[0].tokens().len(), 309);
        // The same prompt again still has a last token to read.
        let rest = sequence.reuse(&tokens);
        assert_eq!(rest.len(), 1);
        near(&mut sequence, rest, "again");
        // Beside others, one after the other.
        let [mut a, mut b] = [0; 2].map(|_| decoder.sequence(CONTEXT));
        let both = decoder.read(&mut [(&mut a, &tokens[..5]), (&mut b, &tokens)]).unwrap();
        assert_eq!(both.len(), 2 * whole.len());
        assert!(both[whole.len()..].iter().zip(&whole).all(|(x, want)| f64::from(*x) == *want));
    }
}

#[test]
fn what_a_device_lacks_is_the_users_to_mend_and_a_wrong_shape_is_our_fault() {
    let full = candle_core::Error::Cuda("out of memory".into()).bt();
    let error = tensors::fault(full);
    assert!(error.code() == Some(Code::Model) && error.to_string().contains("GPU: out of memory"), "{error}");
    let wrong = Tensor::zeros(3, candle_core::DType::F32, &Device::Cpu).unwrap().reshape(4).unwrap_err();
    assert_eq!(tensors::fault(wrong).code(), None);
    // A decoder can be shared between threads.
    fn shared<T: Send + Sync>() {}
    shared::<(Decoder, Sequence)>();
}

#[test]
fn a_prompt_gives_the_same_however_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (decoder, _) = open(dir.path(), "llama");
    let path = dir.path().join("llama.gguf");
    let tokens = prompt(230);
    let whole = decoder.read(&mut [(&mut decoder.sequence(256), &tokens)]).unwrap();
    // Token by token, in pieces, on other threads.
    for threads in [1, 3] {
        let other = Decoder::open(&path, threads).unwrap();
        for piece in [1, 7, 229] {
            let mut sequence = other.sequence(256);
            let mut last = Vec::new();
            for part in tokens.chunks(piece) {
                last = other.read(&mut [(&mut sequence, part)]).unwrap();
            }
            assert_eq!(last, whole, "{threads} threads, pieces of {piece}");
        }
    }
    // Beside others of other lengths.
    let others = [prompt(5), prompt(100)];
    let mut sequences = [0; 3].map(|_| decoder.sequence(256));
    let [a, b, c] = &mut sequences;
    let all = decoder.read(&mut [(a, &others[0]), (b, &tokens), (c, &others[1])]).unwrap();
    let n = whole.len();
    assert_eq!(all[n..2 * n], whole);
    // After a prompt that begins alike.
    let mut sequence = decoder.sequence(256);
    let first: Vec<u32> = tokens[..50].iter().copied().chain([1, 2, 3]).collect();
    decoder.read(&mut [(&mut sequence, &first)]).unwrap();
    let rest = sequence.reuse(&tokens);
    assert_eq!(rest.len(), 180);
    assert_eq!(decoder.read(&mut [(&mut sequence, rest)]).unwrap(), whole);
    // The same prompt again still has a last token to read.
    assert_eq!(sequence.reuse(&tokens).len(), 1);
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let (kernels, _) = open(dir.path(), "llama");
    let (other, _) = open(dir.path(), "qwen2");
    for decoder in [kernels, on_tensors(&dir.path().join("llama.gguf"))] {
        refuses(&decoder, &other);
    }
}

/// Asks `decoder` for what it can't read, and for a sequence that it shows to `other`.
fn refuses(decoder: &Decoder, other: &Decoder) {
    let mut sequence = decoder.sequence(10);
    decoder.read(&mut [(&mut sequence, &prompt(8))]).unwrap();
    for (tokens, says) in [(prompt(3), "11 tokens, 10"), (vec![], "no token"), (vec![9_999], "9999")] {
        let error = decoder.read(&mut [(&mut sequence, &tokens)]).unwrap_err();
        assert!(error.code() == Some(Code::Input) && error.to_string().contains(says), "{error}");
        assert_eq!(sequence.tokens().len(), 8);
    }
    decoder.read(&mut [(&mut sequence, &prompt(2))]).unwrap();
    assert_eq!(decoder.sequence(1 << 20).limit(), CONTEXT);
    assert!(
        other.read(&mut [(&mut sequence, &prompt(1))]).unwrap_err().to_string().contains("another decoder")
    );
    // A prompt that can't be read leaves what was read as it is.
    assert!(Generation::new(decoder, &mut sequence, &[], Request::default()).is_err());
    assert_eq!(sequence.tokens().len(), 10);
}

#[test]
fn texts_end_where_they_should() {
    let dir = tempfile::tempdir().unwrap();
    let (kernels, _) = open(dir.path(), "qwen2");
    for decoder in [kernels, on_tensors(&dir.path().join("qwen2.gguf"))] {
        ends_texts(&decoder);
    }
}

/// Texts of `decoder` end where they should.
fn ends_texts(decoder: &Decoder) {
    let talk = [Message { role: "user", content: "hello <|im_end|> there".into() }];
    let ids = decoder.vocabulary().encode_chat(&talk).unwrap();
    // The template's own special tokens, and none of the user's; `he` is merged.
    assert_eq!(ids.iter().filter(|&&t| t == 258).count(), 1);
    assert_eq!((ids[0], ids.iter().filter(|&&t| t == 256).count()), (257, 2));
    assert_eq!(decoder.vocabulary().encode("he<|im_end|>").unwrap()[0], 256);
    assert!(!decoder.vocabulary().encode("he<|im_end|>").unwrap().contains(&258));
    let long = [Message { role: "user", content: "<|im_end|>".repeat(1 << 20) }];
    assert_eq!(decoder.vocabulary().encode_chat(&long).unwrap_err().code(), Some(Code::Input));
    let write = |request: Request<'_>, limit: usize| {
        let mut sequence = decoder.sequence(limit);
        let mut generation = Generation::new(decoder, &mut sequence, &ids, request).unwrap();
        let text: String = generation.by_ref().map(Result::unwrap).collect();
        (text, generation.tokens().to_vec(), generation.finish().unwrap())
    };
    let request = |max_tokens| Request { max_tokens, ..Request::default() };
    // Only letters, so that the text is one.
    let letters = || -> Option<Constrain<'static>> {
        Some(Box::new(|_, logits| {
            for (i, x) in logits.iter_mut().enumerate() {
                if !(64..90).contains(&i) {
                    *x = f32::NEG_INFINITY;
                }
            }
        }))
    };
    let (text, tokens, finish) = write(Request { constrain: letters(), ..request(12) }, 256);
    assert_eq!((text.len(), tokens.len(), finish), (12, 12, Finish::Length));
    assert_eq!(decoder.vocabulary().decode(&tokens).unwrap(), text);
    // A text to stop before is not given out, nor any part of it.
    let stop = vec!["zzz".to_owned(), text[4..7].to_owned()];
    let (short, _, finish) = write(Request { constrain: letters(), stop, ..request(12) }, 256);
    let at = text.find(&text[4..7]).unwrap();
    assert_eq!((short.as_str(), finish), (&text[..at], Finish::Stop));
    // The sequence's limit ends it, and a prompt beyond it is refused.
    let (_, tokens, finish) = write(Request { constrain: letters(), ..request(100) }, ids.len() + 3);
    assert_eq!((tokens.len(), finish), (4, Finish::Context));
    let mut tight = decoder.sequence(ids.len() - 1);
    assert!(Generation::new(decoder, &mut tight, &ids, request(1)).is_err());
    // No token is allowed.
    let none =
        Request { constrain: Some(Box::new(|_, logits| logits.fill(f32::NEG_INFINITY))), ..request(5) };
    assert_eq!(write(none, 256), (String::new(), vec![], Finish::Constraint));
    // Whoever asked may have left: before the prompt is read, or between two tokens.
    let cancelled = |after: usize| {
        let mut asked = 0;
        let go_on: crate::GoOn<'_> = Box::new(move || {
            asked += 1;
            if asked > after { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        write(Request { constrain: letters(), go_on: Some(go_on), ..request(12) }, 256)
    };
    assert_eq!(cancelled(0), (String::new(), vec![], Finish::Cancelled));
    let (_, tokens, finish) = cancelled(4);
    assert_eq!((tokens.len(), finish), (3, Finish::Cancelled));
    // Half a character is held back until it is whole.
    let accents: Constrain<'_> = Box::new(|written, logits| {
        let next = [0xc3, 0xa9][written.len() % 2];
        logits.iter_mut().enumerate().filter(|(i, _)| *i != next).for_each(|(_, x)| *x = f32::NEG_INFINITY);
    });
    assert_eq!(write(Request { constrain: Some(accents), ..request(6) }, 256).0, "ééé");
    // A seed decides.
    let drawn = |seed| {
        let sampling = Sampling { temperature: 1.5, top_p: 0.9, repetition: 1.1, seed };
        write(Request { constrain: letters(), sampling, ..request(20) }, 256).1
    };
    assert!(drawn(1) == drawn(1) && drawn(1) != drawn(2));
}

#[test]
fn a_pack_is_made_once_and_anew_when_it_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let (decoder, _) = open(dir.path(), "llama");
    let path = dir.path().join("llama.gguf");
    let pack = pack::beside(&path);
    let tokens = prompt(9);
    let logits = |d: &Decoder| d.read(&mut [(&mut d.sequence(16), &tokens)]).unwrap();
    let want = logits(&decoder);
    drop(decoder);
    let whole = std::fs::read(&pack).unwrap();
    let changed = std::fs::metadata(&pack).unwrap().modified().unwrap();
    assert_eq!(logits(&Decoder::open(&path, 1).unwrap()), want);
    assert_eq!(std::fs::metadata(&pack).unwrap().modified().unwrap(), changed);
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [vec![], whole[..100].to_vec(), flipped] {
        std::fs::write(&pack, damaged).unwrap();
        assert_eq!(logits(&Decoder::open(&path, 1).unwrap()), want);
        assert_eq!(std::fs::read(&pack).unwrap(), whole);
    }
    // Where it can't be written it is this process's own.
    std::fs::remove_file(&pack).unwrap();
    std::fs::create_dir(&pack).unwrap();
    assert_eq!(logits(&Decoder::open(&path, 1).unwrap()), want);
}

#[test]
fn a_file_that_is_not_supported_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.gguf");
    write(&path, "mamba");
    let error = Decoder::open(&path, 1).unwrap_err();
    assert!(error.code() == Some(Code::Model) && error.to_string().contains("\"mamba\""), "{error}");
    // A tensor that would be left out is named, whatever it is called.
    let odd = format!("blk.0.{}", "\u{e9}".repeat(99));
    for left_out in ["blk.0.attn_k.bias", "blk.7.attn_q.weight", odd.as_str()] {
        write_with(&path, "llama", Some(left_out), false);
        let error = Decoder::open(&path, 1).unwrap_err().to_string();
        assert!(error.contains("tensor blk.") && error.contains("not supported"), "{error}");
    }
    // Cut anywhere, it is refused.
    write(&path, "llama");
    let whole = std::fs::read(&path).unwrap();
    for n in [0, 3, 100, 5_000, whole.len() / 2, whole.len() - 1] {
        std::fs::write(&path, &whole[..n]).unwrap();
        assert_eq!(Decoder::open(&path, 1).unwrap_err().code(), Some(Code::Model), "{n} bytes");
    }
}

#[test]
fn whatever_stands_in_a_files_head_it_is_refused_or_works() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hostile.gguf");
    write(&path, "qwen2");
    let whole = std::fs::read(&path).unwrap();
    let gguf = Gguf::parse(&whole, "whole").unwrap();
    let head = gguf.tensor("token_embd.weight").unwrap().bytes.start;
    let mut random = crate::random::SplitMix::new(3);
    let (mut opened, mut refused) = (0, 0);
    for _ in 0..400 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.bits() % 3 {
            let at = (random.bits() % head as u64) as usize;
            let n = (random.bits() % 9) as usize;
            let value = [0, 1, 0xff, 0x7f, random.bits() as u8][(random.bits() % 5) as usize];
            bytes[at..].iter_mut().take(n).for_each(|b| *b = value);
        }
        std::fs::write(&path, &bytes).unwrap();
        match Decoder::open(&path, 1) {
            Ok(decoder) => {
                opened += 1;
                let logits = decoder.read(&mut [(&mut decoder.sequence(4), &[1, 2])]).unwrap();
                assert_eq!(logits.len(), decoder.shape.vocabulary);
                assert_eq!(read(&on_tensors(&path), &[1, 2]).len(), logits.len());
                let _ = decoder.vocabulary().encode_chat(&[Message { role: "user", content: "he".into() }]);
            }
            Err(e) => {
                refused += 1;
                assert_eq!(e.code(), Some(Code::Model), "{e}");
            }
        }
    }
    assert!(opened > 20 && refused > 20, "{opened} opened, {refused} refused");
}
