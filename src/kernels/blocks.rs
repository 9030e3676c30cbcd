//! Linear layers whose weights come quantised in blocks, as GGUF files store them: a few bits a weight, a scale for every
//! 16 or 32 of an output channel's, sometimes a least value too. Nothing of what the file says is lost but the last
//! digits of scales that it keeps as products. Activations are quantised row by row, a scale for every 32.
//!
//! For activations `x = f * a` and weights `w = s * q + l` of a group, the product is `f * s * (a . q) + f * l * sum a`:
//! integers within a group, float32 between groups.

use std::ops::Range;

use half::f16;

use crate::cpu::PANEL;
use crate::padded;

/// Inputs whose activations share a scale. A layer's inputs are a multiple of it.
pub const GROUP: usize = 32;

/// How a layer's weights are quantised. Their unsigned numbers `q` stand for `scale * (q - zero)` or `scale * q + low`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// 4 bits, `zero` 8.
    Q4,
    /// 4 bits and a low.
    Q4Low,
    /// 5 bits, `zero` 16.
    Q5,
    /// 5 bits and a low.
    Q5Low,
    /// 6 bits, `zero` 32, a scale for every 16.
    Q6,
    /// 8 bits, `zero` 128.
    Q8,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Q4, Self::Q4Low, Self::Q5, Self::Q5Low, Self::Q6, Self::Q8];

    /// Bits of a weight's number.
    pub const fn bits(self) -> usize {
        match self {
            Self::Q4 | Self::Q4Low => 4,
            Self::Q5 | Self::Q5Low => 5,
            Self::Q6 => 6,
            Self::Q8 => 8,
        }
    }

    /// What is taken from a number before it is scaled.
    pub const fn zero(self) -> u8 {
        match self {
            Self::Q4Low | Self::Q5Low => 0,
            _ => 1 << (self.bits() - 1),
        }
    }

    /// Whether groups have a low.
    pub const fn has_low(self) -> bool {
        matches!(self, Self::Q4Low | Self::Q5Low)
    }

    /// Scales of a group: one for each half, or one.
    pub const fn scales(self) -> usize {
        if matches!(self, Self::Q6) { 2 } else { 1 }
    }

    /// Bytes of a panel's group that hold four bits of each number, or all eight.
    pub(crate) const fn low_bytes(self) -> usize {
        PANEL * GROUP * if self.bits() == 8 { 8 } else { 4 } / 8
    }

    /// Bytes of a panel's group that hold the bits above.
    pub(crate) const fn high_bytes(self) -> usize {
        PANEL * GROUP * if self.bits() == 8 { 0 } else { self.bits() - 4 } / 8
    }

    /// Where the parts of a panel begin, and where it ends.
    pub(crate) const fn layout(self, inputs: usize) -> Layout {
        let groups = inputs / GROUP;
        let high = groups * self.low_bytes();
        let scales = high + groups * self.high_bytes();
        let lows = scales + groups * self.scales() * PANEL * 2;
        let end = lows + if self.has_low() { groups * PANEL * 2 } else { 0 };
        Layout { high, scales, lows, size: end.next_multiple_of(64) }
    }

    /// Bytes of a packed layer.
    ///
    /// # Panics
    /// When it has more than the address space.
    pub fn packed_bytes(self, inputs: usize, outputs: usize) -> usize {
        let panels = padded(outputs) / PANEL;
        self.layout(inputs).size.checked_mul(panels).unwrap_or_else(|| panic!("{outputs} x {inputs} weights"))
    }
}

/// Offsets in a panel: for all groups together the lower bits (at 0), the higher bits, scales, lows.
pub(crate) struct Layout {
    pub(crate) high: usize,
    pub(crate) scales: usize,
    pub(crate) lows: usize,
    pub(crate) size: usize,
}

/// One output channel's weights for a group of inputs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// Numbers.
    pub q: [u8; GROUP],
    /// Scales of the halves; both the same where a group has one.
    pub scales: [f32; 2],
    /// What is added.
    pub low: f32,
}

impl Block {
    /// The weights.
    pub fn weights(&self, form: Form) -> [f32; GROUP] {
        std::array::from_fn(|k| {
            self.scales[k / (GROUP / 2)] * (f32::from(self.q[k]) - f32::from(form.zero())) + self.low
        })
    }
}

/// Packed weights: panels of 16 output channels, a cache line's multiple each.
///
/// In a group of a panel, number `4 j + i` of channel `c` has its lower four bits in byte `64 (j % 4) + 4 c + i`, the
/// lower half of it for `j < 4`; and its higher ones in byte `4 c + i`: of 64, bit `j`, if there is one, and of 128, bits
/// `2 (j % 4)` and up of byte `64 (j / 4) + 4 c + i`, if there are two. Numbers of 8 bits are byte `64 j + 4 c + i`.
#[derive(Debug, Clone, Copy)]
pub struct BlockLinear<'a> {
    form: Form,
    inputs: usize,
    outputs: usize,
    bytes: &'a [u8],
}

impl<'a> BlockLinear<'a> {
    /// A view of a packed layer; `None` unless there are as many bytes as it has, at an even address, and its inputs are
    /// whole groups.
    pub fn new(form: Form, inputs: usize, outputs: usize, bytes: &'a [u8]) -> Option<Self> {
        let whole = inputs > 0
            && inputs.is_multiple_of(GROUP)
            && outputs > 0
            && bytes.as_ptr().cast::<u16>().is_aligned();
        (whole && bytes.len() == form.packed_bytes(inputs, outputs)).then_some(Self {
            form,
            inputs,
            outputs,
            bytes,
        })
    }

    /// How it is quantised.
    pub fn form(&self) -> Form {
        self.form
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The bytes of panel `panel`.
    #[inline(always)]
    pub(crate) fn panel(&self, panel: usize) -> &'a [u8] {
        let size = self.form.layout(self.inputs).size;
        &self.bytes[panel * size..][..size]
    }

    /// The weights of output channel `output` for the inputs of group `group`.
    ///
    /// # Panics
    /// When there is no such channel or group.
    pub fn block(&self, output: usize, group: usize) -> Block {
        assert!(output < self.outputs && group < self.inputs / GROUP, "block {output}, {group}");
        let (form, panel, c) = (self.form, self.panel(output / PANEL), output % PANEL);
        let at = form.layout(self.inputs);
        let low = &panel[group * form.low_bytes()..][..form.low_bytes()];
        let high = &panel[at.high + group * form.high_bytes()..][..form.high_bytes()];
        let half = |start: usize, i: usize| {
            let at = start + 2 * i;
            f16::from_bits(u16::from_le_bytes([panel[at], panel[at + 1]])).to_f32()
        };
        let n = form.scales();
        Block {
            q: std::array::from_fn(|k| number(form.bits(), low, high, c, k)),
            scales: [0, n - 1].map(|i| half(at.scales, (group * n + i) * PANEL + c)),
            low: if form.has_low() { half(at.lows, group * PANEL + c) } else { 0.0 },
        }
    }

    /// Writes the weights of output channel `output` to `to`: a token's embedding.
    ///
    /// # Panics
    /// When there is no such channel, or `to` is not one value for each input.
    pub fn row(&self, output: usize, to: &mut [f32]) {
        assert_eq!(to.len(), self.inputs, "room for a row of weights");
        for (group, to) in to.as_chunks_mut::<GROUP>().0.iter_mut().enumerate() {
            *to = self.block(output, group).weights(self.form);
        }
    }
}

/// Number `k`, of `bits` bits, of channel `c` in a group of a panel.
#[inline(always)]
pub(crate) fn number(bits: usize, low: &[u8], high: &[u8], c: usize, k: usize) -> u8 {
    let (j, at) = (k / 4, 4 * c + k % 4);
    if bits == 8 {
        return low[64 * j + at];
    }
    let lower = low[64 * (j % 4) + at] >> (4 * (j / 4)) & 15;
    match bits {
        5 => lower | (high[at] >> j & 1) << 4,
        6 => lower | (high[64 * (j / 4) + at] >> (2 * (j % 4)) & 3) << 4,
        _ => lower,
    }
}

/// Packs the output channels of panel `panel` of a layer: `block` gives the weights of an output channel for a group of
/// inputs. `to` is the panel's share of [`Form::packed_bytes`].
///
/// # Panics
/// When `to` has another length, or a number more bits than `form`.
pub fn pack_panel(
    form: Form,
    inputs: usize,
    outputs: usize,
    panel: usize,
    to: &mut [u8],
    mut block: impl FnMut(usize, usize) -> Block,
) {
    let at = form.layout(inputs);
    assert_eq!(to.len(), at.size, "room for a panel");
    to.fill(0);
    let channels: Range<usize> = panel * PANEL..outputs.min((panel + 1) * PANEL);
    let n = form.scales();
    for output in channels {
        let c = output % PANEL;
        for group in 0..inputs / GROUP {
            let of = block(output, group);
            let low = group * form.low_bytes();
            let high = at.high + group * form.high_bytes();
            for (k, &q) in of.q.iter().enumerate() {
                assert!(form.bits() == 8 || q >> form.bits() == 0, "{q} in {} bits", form.bits());
                let (j, byte) = (k / 4, 4 * c + k % 4);
                if form.bits() == 8 {
                    to[low + 64 * j + byte] = q;
                    continue;
                }
                to[low + 64 * (j % 4) + byte] |= (q & 15) << (4 * (j / 4));
                match form.bits() {
                    5 => to[high + byte] |= (q >> 4) << j,
                    6 => to[high + 64 * (j / 4) + byte] |= (q >> 4) << (2 * (j % 4)),
                    _ => {}
                }
            }
            let mut put = |start: usize, i: usize, x: f32| {
                to[start + 2 * i..][..2].copy_from_slice(&f16::from_f32(x).to_le_bytes());
            };
            for i in 0..n {
                put(at.scales, (group * n + i) * PANEL + c, of.scales[i]);
            }
            if form.has_low() {
                put(at.lows, group * PANEL + c, of.low);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_found_again() {
        for form in Form::ALL {
            let (inputs, outputs) = (96, 21);
            let block = |output: usize, group: usize| Block {
                q: std::array::from_fn(|k| ((output * 37 + group * 11 + k * 5) % (1 << form.bits())) as u8),
                scales: [0.5, if form.scales() == 2 { 0.25 } else { 0.5 }].map(|s| s * (1 + output) as f32),
                low: if form.has_low() { -1.5 * group as f32 } else { 0.0 },
            };
            let mut bytes = vec![0; form.packed_bytes(inputs, outputs)];
            let size = bytes.len() / 2;
            for (panel, to) in bytes.chunks_exact_mut(size).enumerate() {
                pack_panel(form, inputs, outputs, panel, to, block);
            }
            let layer = BlockLinear::new(form, inputs, outputs, &bytes).unwrap();
            for output in 0..outputs {
                let mut row = vec![0.0; inputs];
                layer.row(output, &mut row);
                for group in 0..inputs / GROUP {
                    assert_eq!(layer.block(output, group), block(output, group), "{form:?}");
                    assert_eq!(row[group * GROUP..][..GROUP], block(output, group).weights(form));
                }
            }
            assert!(BlockLinear::new(form, inputs, outputs, &bytes[1..]).is_none());
            assert!(BlockLinear::new(form, 40, outputs, &bytes).is_none());
        }
    }
}
