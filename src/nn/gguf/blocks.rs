//! The blocks in which GGUF files keep weights, as `ggml-common.h` of the ggml library lays them out, and their
//! numbers as the kernels take them.

use firstline_kernels::{Block, Form, GROUP};
use half::{bf16, f16};

/// How a tensor's values are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(non_camel_case_types, reason = "the format's own names")]
#[allow(missing_docs)]
pub(crate) enum Kind {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4_K,
    Q5_K,
    Q6_K,
}

impl Kind {
    /// The kind with this number.
    pub(crate) fn of(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            12 => Self::Q4_K,
            13 => Self::Q5_K,
            14 => Self::Q6_K,
            30 => Self::BF16,
            _ => return None,
        })
    }

    /// The number of this kind.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q4_0 => 2,
            Self::Q4_1 => 3,
            Self::Q5_0 => 6,
            Self::Q5_1 => 7,
            Self::Q8_0 => 8,
            Self::Q4_K => 12,
            Self::Q5_K => 13,
            Self::Q6_K => 14,
            Self::BF16 => 30,
        }
    }

    /// Values of a block, and its bytes.
    fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::BF16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q4_1 => (32, 20),
            Self::Q5_0 => (32, 22),
            Self::Q5_1 => (32, 24),
            Self::Q8_0 => (32, 34),
            Self::Q4_K => (256, 144),
            Self::Q5_K => (256, 176),
            Self::Q6_K => (256, 210),
        }
    }

    /// Bytes of a row of `n` values; `None` unless it is whole blocks.
    pub(crate) fn row_bytes(self, n: usize) -> Option<usize> {
        let (values, bytes) = self.block();
        n.is_multiple_of(values).then_some(n / values)?.checked_mul(bytes)
    }

    /// The form in which the kernels multiply it. Floats are rounded to 8 bits, a scale for every 32.
    pub(crate) fn form(self) -> Form {
        match self {
            Self::Q4_0 => Form::Q4,
            Self::Q4_1 | Self::Q4_K => Form::Q4Low,
            Self::Q5_0 => Form::Q5,
            Self::Q5_1 | Self::Q5_K => Form::Q5Low,
            Self::Q6_K => Form::Q6,
            Self::Q8_0 | Self::F32 | Self::F16 | Self::BF16 => Form::Q8,
        }
    }

    /// Group `group` of 32 values of the row that is `row`.
    ///
    /// # Panics
    /// When the row has no such group.
    pub(crate) fn group(self, row: &[u8], group: usize) -> Block {
        let (values, size) = self.block();
        let per = (values / GROUP).max(1);
        let b = match values {
            1 => &row[group * GROUP * size..][..GROUP * size],
            _ => &row[group / per * size..][..size],
        };
        let part = group % per;
        match self {
            Self::F32 => rounded(std::array::from_fn(|k| {
                f32::from_le_bytes([b[4 * k], b[4 * k + 1], b[4 * k + 2], b[4 * k + 3]])
            })),
            Self::F16 => rounded(std::array::from_fn(|k| half(b, 2 * k))),
            Self::BF16 => {
                rounded(std::array::from_fn(|k| bf16::from_le_bytes([b[2 * k], b[2 * k + 1]]).to_f32()))
            }
            Self::Q4_0 => one(half(b, 0), 0.0, std::array::from_fn(|k| nibble(&b[2..], k))),
            Self::Q4_1 => one(half(b, 0), half(b, 2), std::array::from_fn(|k| nibble(&b[4..], k))),
            Self::Q5_0 => {
                one(half(b, 0), 0.0, std::array::from_fn(|k| nibble(&b[6..], k) | bit(&b[2..], k) << 4))
            }
            Self::Q5_1 => {
                let q = std::array::from_fn(|k| nibble(&b[8..], k) | bit(&b[4..], k) << 4);
                one(half(b, 0), half(b, 2), q)
            }
            Self::Q8_0 => one(half(b, 0), 0.0, std::array::from_fn(|k| b[2 + k] ^ 0x80)),
            Self::Q4_K | Self::Q5_K => {
                let (scale, low) = scale_and_low(&b[4..16], part);
                let quants = if self == Self::Q4_K { &b[16..] } else { &b[48..] };
                let q = std::array::from_fn(|k| {
                    let lower = quants[part / 2 * 32 + k] >> (4 * (part % 2)) & 15;
                    if self == Self::Q4_K { lower } else { lower | (b[16 + k] >> part & 1) << 4 }
                });
                one(half(b, 0) * f32::from(scale), -half(b, 2) * f32::from(low), q)
            }
            Self::Q6_K => {
                let (side, quarter) = (part / 4, part % 4);
                let lower = &b[64 * side + 32 * (quarter % 2)..];
                let upper = &b[128 + 32 * side..];
                let q = std::array::from_fn(|k| {
                    (lower[k] >> (4 * (quarter / 2)) & 15) | (upper[k] >> (2 * quarter) & 3) << 4
                });
                let scales =
                    [0, 1].map(|h| half(b, 208) * f32::from(b[192 + 8 * side + 2 * quarter + h] as i8));
                Block { q, scales, low: 0.0 }
            }
        }
    }
}

impl Kind {
    /// The values of the row that is `row`, floats as they are, into `to`, as long as the row.
    ///
    /// # Panics
    /// When `to` is no whole number of groups, or the row is shorter.
    pub(crate) fn values(self, row: &[u8], to: &mut [f32]) {
        let groups = to.as_chunks_mut::<GROUP>();
        assert!(groups.1.is_empty(), "a row of whole groups");
        for (group, to) in groups.0.iter_mut().enumerate() {
            let float = |k: usize, size: usize| &row[(group * GROUP + k) * size..][..size];
            *to = match self {
                Self::F32 => std::array::from_fn(|k| {
                    let b = float(k, 4);
                    f32::from_le_bytes([b[0], b[1], b[2], b[3]])
                }),
                Self::F16 => std::array::from_fn(|k| half(float(k, 2), 0)),
                Self::BF16 => std::array::from_fn(|k| {
                    let b = float(k, 2);
                    bf16::from_le_bytes([b[0], b[1]]).to_f32()
                }),
                _ => self.group(row, group).weights(self.form()),
            };
        }
    }
}

/// Values as [`Kind::Q8_0`] keeps them; `None` where one is no number or too large for it.
///
/// # Panics
/// When `x` is no whole number of groups.
pub(crate) fn q8_0(x: &[f32]) -> Option<Vec<u8>> {
    let groups = x.as_chunks::<GROUP>();
    assert!(groups.1.is_empty(), "whole groups");
    let mut bytes = Vec::with_capacity(groups.0.len() * 34);
    for group in groups.0 {
        let Block { q, scales: [scale, _], .. } = rounded(*group);
        if !scale.is_finite() || group.iter().any(|x| !x.is_finite()) {
            return None;
        }
        bytes.extend(f16::from_f32(scale).to_le_bytes());
        bytes.extend(q.map(|q| q ^ 0x80));
    }
    Some(bytes)
}

fn one(scale: f32, low: f32, q: [u8; GROUP]) -> Block {
    Block { q, scales: [scale; 2], low }
}

/// Floats to 8 bits: the nearest of 255 values either side of 0.
pub(crate) fn rounded(x: [f32; GROUP]) -> Block {
    let most = x.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    // As it will be kept, so that rounding is to the nearest of what will be there.
    let scale = f16::from_f32(most / 127.0).to_f32();
    let per_step = if scale > 0.0 { scale.recip() } else { 0.0 };
    one(scale, 0.0, x.map(|x| ((x * per_step).round_ties_even().clamp(-127.0, 127.0) + 128.0) as u8))
}

fn half(b: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([b[at], b[at + 1]]).to_f32()
}

/// Number `k` of 32 in 16 bytes: the first half in the lower bits.
fn nibble(b: &[u8], k: usize) -> u8 {
    b[k % 16] >> (4 * (k / 16)) & 15
}

fn bit(b: &[u8], k: usize) -> u8 {
    b[k / 8] >> (k % 8) & 1
}

/// Scale and low of part `part` of 8, 6 bits each in 12 bytes.
fn scale_and_low(b: &[u8], part: usize) -> (u8, u8) {
    match part {
        0..4 => (b[part] & 63, b[part + 4] & 63),
        _ => (b[part + 4] & 15 | (b[part - 4] >> 6) << 4, b[part + 4] >> 4 | (b[part] >> 6) << 4),
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use candle_core::quantized::{GgmlDType, QTensor};

    use super::*;

    /// What candle quantises, these read as candle does.
    #[test]
    fn blocks_hold_what_candle_reads_in_them() {
        let kinds = [
            (Kind::Q4_0, GgmlDType::Q4_0),
            (Kind::Q4_1, GgmlDType::Q4_1),
            (Kind::Q5_0, GgmlDType::Q5_0),
            (Kind::Q5_1, GgmlDType::Q5_1),
            (Kind::Q8_0, GgmlDType::Q8_0),
            (Kind::Q4_K, GgmlDType::Q4K),
            (Kind::Q5_K, GgmlDType::Q5K),
            (Kind::Q6_K, GgmlDType::Q6K),
        ];
        for (kind, theirs) in kinds {
            let x = candle_core::Tensor::randn(0.0_f32, 1.0, (1, 512), &Device::Cpu).unwrap();
            let q = QTensor::quantize(&x, theirs).unwrap();
            let want: Vec<f32> =
                q.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let bytes = q.data().unwrap();
            assert_eq!(kind.row_bytes(512), Some(bytes.len()), "{kind:?}");
            for group in 0..512 / GROUP {
                let got = kind.group(&bytes, group).weights(kind.form());
                for (got, want) in got.iter().zip(&want[group * GROUP..]) {
                    assert!(
                        (got - want).abs() <= 1e-6 * want.abs().max(1.0),
                        "{kind:?} {group}: {got}, {want}"
                    );
                }
            }
        }
    }

    #[test]
    fn floats_are_read_as_they_are_and_written_as_candle_would() {
        let x: Vec<f32> = (0..64).map(|k| (k as f32 * 0.37).sin()).collect();
        let mut got = vec![0.0; 64];
        Kind::F32.values(&x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>(), &mut got);
        assert_eq!(got, x);
        Kind::F16
            .values(&x.iter().flat_map(|&x| f16::from_f32(x).to_le_bytes()).collect::<Vec<_>>(), &mut got);
        assert!(got.iter().zip(&x).all(|(got, &x)| *got == f16::from_f32(x).to_f32()));
        Kind::BF16
            .values(&x.iter().flat_map(|&x| bf16::from_f32(x).to_le_bytes()).collect::<Vec<_>>(), &mut got);
        assert!(got.iter().zip(&x).all(|(got, &x)| *got == bf16::from_f32(x).to_f32()));
        Kind::Q8_0.values(&q8_0(&x).unwrap(), &mut got);
        let tensor = candle_core::Tensor::from_slice(&x, (1, 64), &Device::Cpu).unwrap();
        let theirs = QTensor::quantize(&tensor, GgmlDType::Q8_0).unwrap().dequantize(&Device::Cpu).unwrap();
        let theirs: Vec<f32> = theirs.flatten_all().unwrap().to_vec1().unwrap();
        for ((got, theirs), x) in got.iter().zip(theirs).zip(&x) {
            assert!((got - x).abs() < 0.51 / 127.0 && (got - theirs).abs() < 1.01 / 127.0);
        }
        for bad in [f32::NAN, f32::INFINITY, 1e8] {
            assert!(q8_0(&[[0.5; 31].as_slice(), &[bad]].concat()).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_kind_has_one_number() {
        let kinds: Vec<Kind> = (0..40).filter_map(Kind::of).collect();
        assert_eq!(kinds.len(), 11);
        assert!(kinds.iter().all(|kind| Kind::of(kind.number()) == Some(*kind)));
    }

    #[test]
    fn floats_are_within_half_a_step() {
        let x: [f32; GROUP] = std::array::from_fn(|k| (k as f32 * 0.37).sin());
        let bytes: Vec<u8> = x.iter().flat_map(|x| x.to_le_bytes()).collect();
        let got = Kind::F32.group(&bytes, 0).weights(Form::Q8);
        assert!(got.iter().zip(&x).all(|(got, x)| (got - x).abs() <= 0.51 / 127.0));
    }
}
