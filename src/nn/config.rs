//! The model's own `config.json`: what of it matters here, checked against absurd values before anything is
//! allocated from it.

use serde::Deserialize;

/// Values of a BERT's `config.json`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    model_type: Option<String>,
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) hidden_act: Activation,
    pub(crate) max_position_embeddings: usize,
    pub(crate) type_vocab_size: usize,
    #[serde(default = "default_eps")]
    pub(crate) layer_norm_eps: f64,
    #[serde(default)]
    position_embedding_type: Option<String>,
}

/// Non-linearity of the feed-forward layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Activation {
    /// GELU by the error function.
    Gelu,
    /// GELU by its tanh approximation.
    #[serde(alias = "gelu_pytorch_tanh", alias = "gelu_fast")]
    GeluNew,
    /// max(x, 0).
    Relu,
}

impl Activation {
    /// The kernel for it.
    pub(crate) fn kernel(self) -> firstline_kernels::Activation {
        use firstline_kernels::Activation as Kernel;
        match self {
            Self::Gelu => Kernel::Gelu,
            Self::GeluNew => Kernel::GeluTanh,
            Self::Relu => Kernel::Relu,
        }
    }
}

fn default_eps() -> f64 {
    1e-12
}

impl Config {
    /// Parses and checks; the error says what is wrong.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, String> {
        let config: Self = serde_json::from_slice(json).map_err(|e| e.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// Values of one attention head.
    pub(crate) fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    fn check(&self) -> Result<(), String> {
        if self.model_type.as_deref().is_some_and(|t| t != "bert") {
            return Err(format!(
                "model_type is {:?}, not \"bert\"",
                self.model_type.as_deref().unwrap_or_default()
            ));
        }
        if self.position_embedding_type.as_deref().is_some_and(|t| t != "absolute") {
            return Err("position_embedding_type must be \"absolute\"".into());
        }
        let ranges = [
            ("vocab_size", self.vocab_size, 1_000_000),
            ("hidden_size", self.hidden_size, 8192),
            ("num_hidden_layers", self.num_hidden_layers, 128),
            ("num_attention_heads", self.num_attention_heads, 256),
            ("intermediate_size", self.intermediate_size, 65_536),
            ("max_position_embeddings", self.max_position_embeddings, 65_536),
            ("type_vocab_size", self.type_vocab_size, 1024),
        ];
        if let Some((name, value, most)) =
            ranges.into_iter().find(|&(_, value, most)| value < 1 || value > most)
        {
            return Err(format!("{name} is {value}, not 1 to {most}"));
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err("hidden_size is no multiple of num_attention_heads".into());
        }
        if !(self.layer_norm_eps > 0.0 && self.layer_norm_eps < 1.0) {
            return Err(format!("layer_norm_eps is {}, not between 0 and 1", self.layer_norm_eps));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"vocab_size": 10, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2,
        "intermediate_size": 16, "hidden_act": "gelu", "max_position_embeddings": 32, "type_vocab_size": 2}"#;

    #[test]
    fn absurd_or_foreign_values_are_named() {
        assert_eq!(Config::from_json(GOOD.as_bytes()).unwrap().head_size(), 4);
        for (from, to, says) in [
            ("\"vocab_size\": 10", "\"vocab_size\": 9999999999", "vocab_size is"),
            ("\"num_attention_heads\": 2", "\"num_attention_heads\": 0", "num_attention_heads is 0"),
            ("\"num_attention_heads\": 2", "\"num_attention_heads\": 3", "no multiple"),
            ("\"gelu\"", "\"swish\"", "swish"),
            ("{", "{\"model_type\": \"roberta\", ", "roberta"),
            ("{", "{\"layer_norm_eps\": 2, ", "layer_norm_eps"),
            ("{", "{\"position_embedding_type\": \"relative_key\", ", "absolute"),
        ] {
            let e = Config::from_json(GOOD.replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(e.contains(says), "{e}");
        }
    }
}
