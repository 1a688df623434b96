"""Networks of the true shape of D-FINE-N, YOLOX-tiny and YOLOX-s with random weights, as ONNX: what they cost on a CPU
does not depend on the weights. Needs torch, and for D-FINE transformers.
"""

import warnings
from pathlib import Path

import torch
from torch import nn

PARAMETERS = {"d-fine-n": 3.76e6, "yolox-tiny": 5.06e6, "yolox-s": 8.97e6}
"""What the papers say of the true ones, give or take 1 %."""


class Conv(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(outputs), nn.SiLU())


class Bottleneck(nn.Module):
    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.body, self.shortcut = nn.Sequential(Conv(channels, channels, 1), Conv(channels, channels, 3)), shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.shortcut else self.body(x)


class CrossStage(nn.Module):
    def __init__(self, inputs: int, outputs: int, depth: int, shortcut: bool = True) -> None:
        super().__init__()
        half = outputs // 2
        self.deep = nn.Sequential(Conv(inputs, half, 1), *(Bottleneck(half, shortcut) for _ in range(depth)))
        self.flat, self.last = Conv(inputs, half, 1), Conv(2 * half, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(torch.cat([self.deep(x), self.flat(x)], 1))


class Pyramid(nn.Module):
    """Spatial pyramid pooling."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.last = Conv(channels, channels // 2, 1), Conv(channels * 2, channels, 1)
        self.pools = nn.ModuleList(nn.MaxPool2d(size, 1, size // 2) for size in (5, 9, 13))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.last(torch.cat([x, *(pool(x) for pool in self.pools)], 1))


class Head(nn.Module):
    def __init__(self, inputs: int, hidden: int, classes: int = 80) -> None:
        super().__init__()
        self.stem = Conv(inputs, hidden, 1)
        self.classes = nn.Sequential(Conv(hidden, hidden, 3), Conv(hidden, hidden, 3))
        self.boxes = nn.Sequential(Conv(hidden, hidden, 3), Conv(hidden, hidden, 3))
        self.says = nn.ModuleList(nn.Conv2d(hidden, outputs, 1) for outputs in (4, 1, classes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem(x)
        classes, boxes = self.classes(x), self.boxes(x)
        found = [self.says[0](boxes), self.says[1](boxes).sigmoid(), self.says[2](classes).sigmoid()]
        return torch.cat(found, 1).flatten(2)


class Yolox(nn.Module):
    """YOLOX of a third of the depth; `base` is 24 for tiny and 32 for s."""

    def __init__(self, base: int) -> None:
        super().__init__()
        b, up = base, nn.Upsample(scale_factor=2)
        self.stem = nn.Sequential(
            nn.PixelUnshuffle(2), Conv(12, b, 3), Conv(b, 2 * b, 3, 2), CrossStage(2 * b, 2 * b, 1)
        )
        self.dark3 = nn.Sequential(Conv(2 * b, 4 * b, 3, 2), CrossStage(4 * b, 4 * b, 3))
        self.dark4 = nn.Sequential(Conv(4 * b, 8 * b, 3, 2), CrossStage(8 * b, 8 * b, 3))
        self.dark5 = nn.Sequential(
            Conv(8 * b, 16 * b, 3, 2), Pyramid(16 * b), CrossStage(16 * b, 16 * b, 1, shortcut=False)
        )
        self.narrow5, self.narrow4, self.up = Conv(16 * b, 8 * b, 1), Conv(8 * b, 4 * b, 1), up
        self.down3, self.down4 = Conv(4 * b, 4 * b, 3, 2), Conv(8 * b, 8 * b, 3, 2)
        shapes = ((16, 8), (8, 4), (8, 8), (16, 16))
        self.mix = nn.ModuleList(CrossStage(i * b, o * b, 1, shortcut=False) for i, o in shapes)
        self.heads = nn.ModuleList(Head(channels * b, 4 * b) for channels in (4, 8, 16))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x3 = self.dark3(self.stem(x))
        x4 = self.dark4(x3)
        top = self.narrow5(self.dark5(x4))
        middle = self.narrow4(self.mix[0](torch.cat([self.up(top), x4], 1)))
        p3 = self.mix[1](torch.cat([self.up(middle), x3], 1))
        p4 = self.mix[2](torch.cat([self.down3(p3), middle], 1))
        p5 = self.mix[3](torch.cat([self.down4(p4), top], 1))
        said = [head(p) for head, p in zip(self.heads, (p3, p4, p5), strict=True)]
        return torch.cat(said, 2).permute(0, 2, 1)


class DFine(nn.Module):
    """D-FINE-N."""

    def __init__(self) -> None:
        super().__init__()
        from transformers import DFineConfig, DFineForObjectDetection, HGNetV2Config

        backbone = HGNetV2Config(
            stem_channels=[3, 16, 16], stage_in_channels=[16, 64, 256, 512], stage_mid_channels=[16, 32, 64, 128],
            stage_out_channels=[64, 256, 512, 1024], stage_num_blocks=[1, 1, 2, 1],
            stage_downsample=[False, True, True, True], stage_light_block=[False, False, True, True],
            stage_kernel_size=[3, 3, 5, 5], stage_numb_of_layers=[3, 3, 3, 3], depths=[1, 1, 2, 1],
            hidden_sizes=[64, 256, 512, 1024], use_learnable_affine_block=True,
        )  # fmt: skip
        backbone.stage_names = ["stem", "stage1", "stage2", "stage3", "stage4"]
        backbone.out_features = ["stage3", "stage4"]
        config = DFineConfig(
            backbone_config=backbone, encoder_in_channels=[512, 1024], encoder_hidden_dim=128, encoder_ffn_dim=512,
            feat_strides=[16, 32], encode_proj_layers=[1], num_feature_levels=2, decoder_in_channels=[128, 128],
            d_model=128, decoder_ffn_dim=512, decoder_layers=3, decoder_n_points=[6, 6], hidden_expansion=0.34,
            depth_mult=0.5, num_labels=80, num_denoising=0,
        )  # fmt: skip
        self.network = DFineForObjectDetection(config)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        said = self.network(pixel_values=x)
        return said.logits, said.pred_boxes


def write(name: str, folder: Path) -> Path:
    """Write the network of that name to `folder`, checked to have as many parameters as the true one."""
    torch.manual_seed(1)
    network: nn.Module = DFine() if name == "d-fine-n" else Yolox({"yolox-tiny": 24, "yolox-s": 32}[name])
    count = sum(parameter.numel() for parameter in network.parameters())
    assert abs(count / PARAMETERS[name] - 1) < 0.01, f"{name}: {count} parameters"
    side = 416 if name == "yolox-tiny" else 640
    entry, outputs = ("pixel_values", ["logits", "pred_boxes"]) if name == "d-fine-n" else ("images", ["output"])
    free = {"dynamic_axes": {entry: {0: "n"}}} if name == "d-fine-n" else {}
    path = folder / f"{name}.onnx"
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network.eval(), (torch.rand(1, 3, side, side),), str(path), input_names=[entry], output_names=outputs,
            opset_version=17, dynamo=False, **free,
        )  # fmt: skip
    return path
