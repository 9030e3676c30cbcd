"""Installs, builds and makes everything that is measured, in the cache folder, and only what is not there yet. Must
not let one peer's failure stop the others, nor write into the repository."""

import filecmp
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from driver.catalog import DECODERS, ENGINES, HERE, OURS, PACKAGES, RUST, say


class Stop(Exception):
    """The bench can't go on."""


@dataclass
class Ready:
    """What there is to measure with."""

    engines: list
    python: Path | None
    binaries: dict
    # The model's own files, the peers' models, the texts' ids, and those of the first text alone.
    source: Path
    models: Path
    ids: Path
    first: Path
    mean_tokens: float
    # What ours runs on.
    isa: str
    # Decoders, and the Python that has llama.cpp.
    decoders: list
    llama: Path | None

    def writer(self, engine):
        """How a decoder is asked, but for its file and threads."""
        command = [self.llama, HERE / "writer.py"] if engine == "llama_cpp" else [self.binaries[engine], "write"]
        return [str(part) for part in (*command, engine)]

    def gguf(self, model):
        """The file of a model, pulled where it is not here yet."""
        if model.endswith(".gguf"):
            return Path(model).resolve()
        done = subprocess.run([str(self.binaries[OURS]), "pull", model], stdout=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise Stop(f"{model} could not be had")
        return Path(json.loads(done.stdout)["gguf"])

    def command(self, engine, ids, threads):
        """How the engine's worker is started."""
        if engine in RUST:
            model = self.models / "plain-int8.onnx" if engine == "rten_int8" else self.source
            command = [self.binaries[engine], "worker", engine, model, ids]
        else:
            command = [self.python, HERE / "worker.py", engine, self.models, ids, threads]
        return [str(part) for part in command]


def prepare(chosen):
    chosen.cache.mkdir(parents=True, exist_ok=True)
    python, engines = _environment(chosen.cache, chosen.engines)
    decoders = list(chosen.decoders)
    binaries = _rust(chosen.cache, engines + decoders)
    engines, decoders = ([e for e in some if e not in RUST or e in binaries] for some in (engines, decoders))
    llama = _llama(chosen.cache) if "llama_cpp" in decoders else None
    if llama is None:
        decoders = [e for e in decoders if e != "llama_cpp"]
    source, texts, isa = _texts(binaries[OURS], chosen)
    models = chosen.cache / f"models-{_version(source, texts)}"
    for stale in set(chosen.cache.glob("models-*")) - {models}:
        shutil.rmtree(stale)
    models.mkdir(exist_ok=True)
    ids, first = models / "ids.json", models / "first.json"
    ids.write_text(json.dumps(texts))
    first.write_text(json.dumps(texts[:1]))
    engines = _models(python, engines, source, ids, models)
    return Ready(engines, python, binaries, source, models, ids, first, statistics.mean(map(len, texts)), isa, decoders, llama)


def _run(command, **more):
    """Runs a command; what it says is shown only when it fails. Returns whether it succeeded."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    except OSError as error:
        say(f"{command[0]}: {error.strerror}")
        return False
    if done.returncode != 0:
        say("\n".join(done.stdout.strip().splitlines()[-12:]))
    return done.returncode == 0


def _environment(cache, engines):
    """The Python of the virtual environment, and the engines whose packages are in it."""
    if not engines:
        return None, []
    venv = cache / "venv"
    python = venv / "bin" / "python"
    if not python.exists():
        say("making a virtual environment")
        if not _run([sys.executable, "-m", "venv", str(venv)]):
            raise Stop("no virtual environment: is the venv module of Python installed?")
    for group in ("base", "onnxruntime", "openvino", "ctranslate2", "torch"):
        needing = [e for e in engines if group in PACKAGES.get(ENGINES[e], ())]
        file, stamp = HERE / "requirements" / f"{group}.txt", venv / f"{group}.installed"
        pinned = file.read_text()
        if (not needing and group != "base") or (stamp.exists() and stamp.read_text() == pinned):
            continue
        say(f"installing {', '.join(pinned.split())}")
        if _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(file)]):
            stamp.write_text(pinned)
        else:
            engines = [e for e in engines if e not in needing]
            say(f"skipped, not installed: {', '.join(needing) or 'cosines'}")
    return python, engines


def _llama(cache):
    """The Python of an environment with llama.cpp, built from source with the instruction set of this machine; else None."""
    home, pinned = cache / "llama-cpp", (HERE / "requirements" / "llama.txt").read_text()
    python, stamp = home / "bin" / "python", home / "llama.installed"
    if stamp.exists() and stamp.read_text() == pinned:
        return python
    say("building llama.cpp (up to half an hour on two cores)")
    file = str(HERE / "requirements" / "llama.txt")
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", file]
    if _run([sys.executable, "-m", "venv", "--clear", str(home)]) and _run(
        pip, env={**os.environ, "CMAKE_ARGS": "-DGGML_NATIVE=ON"}
    ):
        stamp.write_text(pinned)
        return python
    say("skipped, not installed: llama_cpp")
    return None


def _rust(cache, engines):
    """The binary of each Rust engine. The peers are compiled for this very CPU, which is to their favour; ours is as
    it is shipped and finds the CPU out at run time."""
    if not shutil.which("cargo"):
        raise Stop("no cargo: our own engine needs Rust to be built")
    target = Path(os.environ.get("CARGO_TARGET_DIR") or cache / "target").resolve()
    cargo = ["cargo", "build", "--release", "--locked", "--manifest-path", str(HERE / "rust" / "Cargo.toml")]
    say("building the Rust engines (minutes, the first time)")
    if not _run([*cargo, "--target-dir", str(target)]):
        raise Stop("our own engine does not build")
    binaries = {OURS: target / "release" / "peer"}
    flags = {**os.environ, "RUSTFLAGS": "-Ctarget-cpu=native"}
    for engine in RUST[1:]:
        if engine not in engines:
            continue
        peer = (ENGINES | DECODERS)[engine]
        here = target / "native" / peer
        features = ["--no-default-features", "--features", peer, "--target-dir", str(here)]
        if _run([*cargo, *features], env=flags):
            binaries[engine] = here / "release" / "peer"
        else:
            say(f"skipped, not built: {engine}")
    return binaries


def _texts(ours, chosen):
    """A copy of the model's folder, the ids of the texts, and our instruction set. A copy, because our packed form, which
    lies beside the model, is deleted and made again to be measured; the user's stays."""
    say("making the texts")
    made = subprocess.run([str(ours), "texts", str(chosen.texts)], stdout=subprocess.PIPE)
    if made.returncode != 0:
        raise Stop("no texts: the model could not be had")
    made = json.loads(made.stdout)
    source = chosen.cache / "source"
    source.mkdir(exist_ok=True)
    for file in ("config.json", "model.safetensors", "tokenizer.json"):
        theirs = Path(made["folder"]) / file
        if not (source / file).exists() or not filecmp.cmp(theirs, source / file, shallow=False):
            shutil.copyfile(theirs, source / f"{file}.part")
            (source / f"{file}.part").rename(source / file)
    return source, made["ids"], made["isa"]


def _version(source, texts):
    """Short hash of all that decides what the peers' models become."""
    files = [HERE / "build.py", *(HERE / "engines").glob("*.py"), *(HERE / "requirements").iterdir()]
    files.append(source / "model.safetensors")
    parts = [file.read_bytes() for file in sorted(files)] + [json.dumps(texts).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:8]


def _models(python, engines, source, ids, models):
    """Builds the peers' models; the engines that have one."""
    peers = sorted({ENGINES[e] for e in engines} & {"onnxruntime", "openvino", "ctranslate2", "rten"})
    if not peers:
        return engines
    say("building the peers' models")
    command = [str(python), str(HERE / "build.py"), str(source), str(ids), str(models), *peers]
    log = models / "build.log"
    with log.open("w") as told:
        built = subprocess.run(command, stdout=subprocess.PIPE, stderr=told, text=True, env=clean(1))
    answers = [json.loads(line) for line in built.stdout.splitlines() if line.startswith('{"peer"')]
    reasons = {answer["peer"]: answer.get("failed") for answer in answers}
    failed = {peer: reasons.get(peer, f"see {log}") for peer in peers if reasons.get(peer, "ended") is not None}
    for peer, reason in failed.items():
        say(f"skipped, no model of {peer}: {reason}")
    return [e for e in engines if ENGINES[e] not in failed]


def clean(threads):
    """The environment of a worker: so many threads, and no compiled Python in the repository."""
    counts = ("RAYON_NUM_THREADS", "CANDLE_NUM_THREADS", "RTEN_NUM_THREADS", "OMP_NUM_THREADS")
    affinity = ("OMP_PROC_BIND", "OMP_PLACES", "KMP_AFFINITY", "GOMP_CPU_AFFINITY")
    kept = {name: value for name, value in os.environ.items() if name not in affinity}
    return {**kept, **{name: str(threads) for name in counts}, "PYTHONDONTWRITEBYTECODE": "1"}
