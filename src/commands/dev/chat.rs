//! `firstline dev chat`: a local language model, to try by hand.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Instant;

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_nn::{Decoder, Finish, Generation, Message, Request, Sampling, Sequence};
use serde::Serialize;

use crate::arguments::{JsonArg, ModelOptions};
use crate::commands::models;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, go_on, print};

/// Talk to a local language model, to see how good and how fast it is here.
#[derive(Debug, Args)]
pub(crate) struct ChatArgs {
    /// Language model: a name from `firstline models list`, a manifest file, or a GGUF file.
    #[arg(long, default_value = firstline_nn::Manifest::DEFAULT_DECODER, value_name = "NAME")]
    model: String,

    /// The question. Without it, each line of standard input is a turn of one conversation.
    #[arg(long, short, value_name = "TEXT")]
    prompt: Option<String>,

    /// System prompt to use instead of the one in the model's chat template.
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,

    /// Most tokens in an answer.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    max_tokens: u32,

    /// Most tokens in the whole conversation; the model's own limit may be lower.
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    context: u32,

    /// Sampling temperature: 0 always takes the most probable token, higher values vary more.
    #[arg(long, default_value_t = 0.0, value_parser = within::<0, 10>)]
    temperature: f32,

    /// Sample only from the most probable tokens that together have this probability.
    #[arg(long, default_value_t = 1.0, value_parser = within::<0, 1>)]
    top_p: f32,

    /// Repetition penalty: above 1, tokens already written become less probable.
    #[arg(long, default_value_t = 1.0, value_parser = within::<1, 10>)]
    repetition: f32,

    /// Seed of the random draws: the same seed gives the same result.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// End the answer before this text; repeatable.
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,

    /// Number of threads [default: one per core].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: Option<u16>,

    #[command(flatten)]
    output: JsonArg,

    #[command(flatten)]
    models: ModelOptions,
}

/// A number from `LEAST` to `MOST`.
fn within<const LEAST: u8, const MOST: u8>(text: &str) -> Result<f32, String> {
    let range = f32::from(LEAST)..=f32::from(MOST);
    text.parse()
        .ok()
        .filter(|x| range.contains(x))
        .ok_or_else(|| format!("not a number from {LEAST} to {MOST}"))
}

/// Longest line of standard input, in bytes.
const MAX_LINE: usize = 1 << 20;

/// One answer, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Answer {
    text: String,
    finish: &'static str,
    prompt_tokens: usize,
    /// How many of them an earlier turn had read already.
    prompt_tokens_reused: usize,
    completion_tokens: usize,
    prefill_seconds: f64,
    decode_seconds: f64,
}

pub(super) fn run(args: &ChatArgs, ui: &Ui) -> Result<Exit, Failure> {
    let path = models::decoder(&args.model, &args.models, ui)?;
    let threads = args
        .threads
        .map_or_else(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get), usize::from);
    let start = Instant::now();
    let decoder = Decoder::open(&path, threads)?;
    ui.say(format!("Loaded in {:.2} s; {threads} threads.", start.elapsed().as_secs_f64()));
    let mut sequence = decoder.sequence(args.context as usize);
    let mut talk: Vec<Message> =
        args.system.iter().map(|content| Message { role: "system", content: content.clone() }).collect();
    if let Some(prompt) = &args.prompt {
        turn(args, ui, &decoder, &mut sequence, &mut talk, prompt.clone())?;
        return Ok(Exit::Success);
    }
    let mut input = std::io::stdin().lock();
    let asks = std::io::stdin().is_terminal();
    loop {
        if asks {
            eprint!("> ");
        }
        match line(&mut input)? {
            None => return Ok(Exit::Success),
            Some(prompt) if prompt.trim().is_empty() => {}
            Some(prompt) => match turn(args, ui, &decoder, &mut sequence, &mut talk, prompt) {
                // The conversation goes on without the turn that could not be read.
                Err(Failure(fault)) if fault.code() == Some(Code::Input) => {
                    talk.pop();
                    ui.say(fault);
                }
                done => done?,
            },
        }
    }
}

/// The next line; `None` at the end.
fn line(input: &mut impl BufRead) -> Result<Option<String>, Failure> {
    let mut bytes = Vec::new();
    let mut short = std::io::Read::take(&mut *input, MAX_LINE as u64 + 1);
    let n = short.read_until(b'\n', &mut bytes).map_err(|e| UserError::io("standard input", &e))?;
    if n > MAX_LINE {
        let problem = format!("a line of more than {MAX_LINE} bytes");
        return Err(UserError::new(Code::Input, "standard input", problem, "Shorten it").into());
    }
    Ok((n > 0).then(|| String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']).to_owned()))
}

/// One question and its answer.
fn turn(
    args: &ChatArgs,
    ui: &Ui,
    decoder: &Decoder,
    sequence: &mut Sequence,
    talk: &mut Vec<Message>,
    content: String,
) -> Result<(), Failure> {
    talk.push(Message { role: "user", content });
    let prompt = decoder.vocabulary().encode_chat(talk)?;
    let sampling = Sampling {
        temperature: args.temperature,
        top_p: args.top_p,
        repetition: args.repetition,
        seed: args.seed,
    };
    let max_tokens = args.max_tokens as usize;
    let request = Request {
        sampling,
        max_tokens,
        stop: args.stop.clone(),
        constrain: None,
        go_on: Some(Box::new(go_on)),
    };
    let prompt_tokens_reused = sequence.shared(&prompt);
    let start = Instant::now();
    let mut answer = Generation::new(decoder, sequence, &prompt, request)?;
    let prefill_seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let (mut text, mut out) = (String::new(), std::io::stdout().lock());
    for piece in answer.by_ref() {
        let piece = piece?;
        if !args.output.json {
            // A reader such as `head` may have seen enough.
            if write!(out, "{piece}").and_then(|()| out.flush()).is_err() {
                return Ok(());
            }
        }
        text += &piece;
    }
    drop(out);
    let (finish, completion_tokens) = (answer.finish(), answer.tokens().len());
    if finish == Some(Finish::Cancelled) {
        return Err(UserError::new(Code::Interrupted, "chat", "stopped while answering", "Ask again").into());
    }
    let decode_seconds = start.elapsed().as_secs_f64();
    let finish = match finish {
        Some(Finish::Length) => "length",
        Some(Finish::Context) => "context",
        Some(Finish::Constraint) => "constraint",
        Some(Finish::Stop | Finish::Cancelled) | None => "stop",
    };
    let (read, written) = (prompt.len() - prompt_tokens_reused, completion_tokens.max(1) - 1);
    if args.output.json {
        print(serde_json::to_string(&Answer {
            text: text.clone(),
            finish,
            prompt_tokens: prompt.len(),
            prompt_tokens_reused,
            completion_tokens,
            prefill_seconds,
            decode_seconds,
        })?);
    } else {
        print("");
        // The first token came with the prompt.
        ui.say(format!(
            "{read} tokens read at {:.0} per second, {completion_tokens} written at {:.0} per second; ended by {finish}.",
            read as f64 / prefill_seconds,
            written as f64 / decode_seconds
        ));
    }
    talk.push(Message { role: "assistant", content: text });
    Ok(())
}
