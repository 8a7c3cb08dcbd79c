"""Each rule against its closed form, and all of them for completeness."""

from __future__ import annotations

import pytest

from seewhy.methods.gradients.rescale import rescaled_contributions

torch = pytest.importorskip("torch")
F = torch.nn.functional
nn = torch.nn


def pictures(*shape, count=2, seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    both = scale * torch.randn(1 + count, *shape, generator=generator, dtype=torch.float64)
    return both[:1], both[1:]


def explained(forward, image, references):
    """Contributions (t, m, c, h, w) of a function whose outputs are flattened to targets."""
    return rescaled_contributions(lambda x: forward(x).flatten(1), image, references)


def assert_complete(found, bound=1e-11):
    change = (found.score - found.reference_scores).T
    sums = found.contributions.sum((2, 3, 4))
    assert found.unknown == ()
    scale = change.abs().max()
    assert scale > 1e-6
    assert (sums - change).abs().max() <= bound * max(1, scale)


UNARY = {
    "relu": torch.relu,
    "relu in place": lambda x: F.relu(x * 1, inplace=True),
    "relu method in place": lambda x: (x * 1).relu_(),
    "relu6": F.relu6,
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "selu": F.selu,
    "celu": F.celu,
    "prelu": lambda x: F.prelu(x, torch.tensor([0.3], dtype=x.dtype)),
    "rrelu": F.rrelu,
    "hardtanh": F.hardtanh,
    "clamp": lambda x: x.clamp(-0.5, 0.7),
    "clip": lambda x: torch.clip(x, max=0.3),
    "clamp_min_": lambda x: (x * 1).clamp_min_(0.1),
    "hardswish": F.hardswish,
    "hardsigmoid": F.hardsigmoid,
    "gelu": F.gelu,
    "gelu tanh": lambda x: F.gelu(x, approximate="tanh"),
    "silu": F.silu,
    "silu in place": lambda x: F.silu(x * 1, inplace=True),
    "mish": F.mish,
    "sigmoid": torch.sigmoid,
    "tanh": torch.Tensor.tanh,
    "softplus": F.softplus,
    "logsigmoid": F.logsigmoid,
    "exp": torch.exp,
    "expm1": torch.special.expm1,
    "log": lambda x: torch.log(x.exp() + 1),
    "log1p": lambda x: torch.log1p(x.square()),
    "sqrt": lambda x: (x * x + 1).sqrt(),
    "rsqrt": lambda x: (x**2 + 1).rsqrt(),
    "cube": lambda x: x**3,
    "power": lambda x: torch.pow(x.exp(), 0.3),
    "exponential": lambda x: 2.0**x,
    "abs": torch.abs,
    "square": torch.square,
    "reciprocal": lambda x: 1 / (3 + x.tanh()),
    "softsign": F.softsign,
    "tanhshrink": F.tanhshrink,
    "softshrink": F.softshrink,
    "hardshrink": F.hardshrink,
    "threshold": lambda x: F.threshold(x, 0.1, -1.0),
    "round": torch.round,
    "sin": torch.sin,
    "maximum with a constant": lambda x: torch.maximum(x, torch.zeros_like(x)),
    "module": nn.GELU(),
}


@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_one_number_gives_each_pixel_its_own_change(name):
    # closed form: what depends on one pixel only has nothing to share
    image, references = pictures(1, 3, 4)
    function = UNARY[name]
    found = explained(function, image, references)
    change = (function(image) - function(references)).flatten(1).T
    own = found.contributions.reshape(12, 2, 12)
    torch.testing.assert_close(own.diagonal(dim1=0, dim2=2).T, change, atol=1e-12, rtol=1e-9)
    off = own * (1 - torch.eye(12, dtype=torch.float64)[:, None])
    assert off.abs().max() == 0
    assert found.unknown == ()


@pytest.mark.parametrize("name", [n for n in UNARY if n not in ("round", "threshold")])
def test_near_the_reference_contributions_are_gradient_times_step(name):
    image, _ = pictures(1, 3, 4, seed=3)
    references = image - 1e-9 * torch.ones_like(image)
    weights = torch.linspace(1, 2, 12, dtype=torch.float64)[:, None]

    def forward(x):
        return UNARY[name](x).flatten(1) @ weights

    found = rescaled_contributions(forward, image, references)
    pixels = image.clone().requires_grad_()
    gradient = torch.autograd.grad(forward(pixels).sum(), pixels)[0]
    torch.testing.assert_close(
        found.contributions[0], gradient * (image - references), rtol=2e-5, atol=1e-15
    )


def test_equal_pictures_get_the_gradient_and_no_contribution():
    image, _ = pictures(1, 3, 4)
    found = explained(lambda x: F.gelu(x).sum((2, 3)), image, image)
    assert (found.contributions == 0).all()
    found = explained(lambda x: F.softmax(x.flatten(1), 1), image, image)
    assert torch.isfinite(found.contributions).all()


def test_a_product_gives_each_factor_the_mean_of_the_other():
    image, references = pictures(2, 1, 5)
    found = explained(lambda x: x[:, :1] * x[:, 1:], image, references)
    step, middle = image - references, (image + references) / 2
    expected = torch.diag_embed((step * middle.flip(1)).squeeze(2))  # (m, 2, t, w)
    torch.testing.assert_close(found.contributions[:, :, :, 0], expected.permute(2, 0, 1, 3))


def test_a_quotient_solves_the_rule_of_the_product():
    image, references = pictures(2, 1, 1)
    image, references = image.abs() + 0.5, references.abs() + 0.5
    found = explained(lambda x: x[:, :1] / x[:, 1:], image, references)
    (a, b), (a0, b0) = image.flatten(), references.flatten(1).T
    middle = (b + b0) / 2
    expected = torch.stack([(a - a0) / middle, -(a / b + a0 / b0) / 2 * (b - b0) / middle], 1)
    torch.testing.assert_close(found.contributions[0].flatten(1), expected)


def test_a_quotient_is_complete_where_the_divisor_changes_its_sign():
    image, references = pictures(2, 1, 3)
    references[:, 1] = -image[:, 1]
    assert_complete(explained(lambda x: x[:, :1] / x[:, 1:], image, references))
    assert_complete(explained(lambda x: 2 / x, image, references))


def test_a_unit_vector_is_complete_also_from_nothing():
    image, references = (p.float() for p in pictures(3, 2, 2))
    references[0] = 0
    found = explained(lambda x: F.normalize(x, dim=1), image, references)
    assert_complete(found, bound=1e-6)


def test_logsumexp_multiplies_with_logarithmic_means():
    image, references = pictures(1, 1, 4, scale=2.0)

    def mean(a, b):
        return (a - b) / (a.log() - b.log())

    found = explained(lambda x: torch.logsumexp(x, 3), image, references)
    a, b = image.exp(), references.exp()
    weights = mean(a, b) / mean(a.sum(3, keepdim=True), b.sum(3, keepdim=True))
    torch.testing.assert_close(found.contributions[0], weights * (image - references))


def test_logsumexp_of_far_and_of_equal_logits_stays_finite():
    image = torch.tensor([[[[1000.0, -1000.0, 3.0]]]])
    references = torch.tensor([[[[-1000.0, 1000.0, 3.0]]], [[[1000.0, -1000.0, 3.0]]]])
    found = explained(lambda x: torch.logsumexp(x + x.sum(3, True), (2, 3)), image, references)
    assert torch.isfinite(found.contributions).all()
    assert found.completeness_gap.abs().max() < 1e-3


def test_log_softmax_does_not_care_what_is_added_to_all_logits():
    image, references = pictures(1, 1, 4)
    shifted = image + 3.0
    scores = [
        explained(lambda x: F.log_softmax(x.flatten(1), 1), start, references).contributions
        for start in (image, shifted)
    ]
    assert_complete(explained(lambda x: F.log_softmax(x.flatten(1), 1), shifted, references))
    common = torch.tensor(3.0, dtype=torch.float64)
    # the weights that share ΔA sum to 1, so a common step leaves Δ log p as it was
    sums = [s.sum((2, 3, 4)) for s in scores]
    torch.testing.assert_close(*sums)
    assert (scores[0] - scores[1]).abs().max() < common * 2


def test_softmax_is_the_exponential_of_log_softmax():
    image, references = pictures(1, 1, 5)
    one = explained(lambda x: torch.softmax(x, 3), image, references)
    other = explained(lambda x: F.log_softmax(x, 3).exp(), image, references)
    torch.testing.assert_close(one.contributions, other.contributions)
    assert_complete(one)


def test_max_pool_gives_the_change_to_the_pixel_that_was_or_became_the_largest():
    image = torch.tensor([[[[5.0, 1.0, 0.0, 2.0]]]])
    references = torch.tensor([[[[1.0, 3.0, 4.0, 0.0]]]])
    found = explained(lambda x: F.max_pool2d(x, (1, 2)), image, references)
    # grew from 3 to 5: to pixel 0, largest in the image; shrank from 4 to 2: to pixel 2
    expected = torch.tensor([[[[[2.0, 0, 0, 0]]]], [[[[0, 0, -2.0, 0]]]]])
    torch.testing.assert_close(found.contributions.reshape(expected.shape), expected)


def standardised(x, dims, eps):
    centred = x - x.mean(dims, keepdim=True)
    return centred / (centred.square().mean(dims, keepdim=True) + eps).sqrt()


def test_norms_are_the_composition_of_their_steps():
    image, references = pictures(4, 2, 3)
    references[1] = 0.3  # constant: the slope of the norm there is 1 / sqrt(eps)
    weight = torch.arange(1.0, 7, dtype=torch.float64).reshape(2, 3)
    pairs = [
        (
            lambda x: F.layer_norm(x, (2, 3), weight, eps=1e-4),
            lambda x: standardised(x, (2, 3), 1e-4) * weight,
        ),
        (
            lambda x: F.group_norm(x, 2, eps=1e-3),
            lambda x: standardised(x.unflatten(1, (2, 2)), (2, 3, 4), 1e-3).flatten(1, 2),
        ),
        (lambda x: F.instance_norm(x), lambda x: standardised(x, (2, 3), 1e-5)),
    ]
    for norm, steps in pairs:
        one, other = explained(norm, image, references), explained(steps, image, references)
        assert_complete(one)
        torch.testing.assert_close(one.contributions, other.contributions)


def plain_attention(x):
    x = x.flatten(2)
    return F.scaled_dot_product_attention(x, x.flip(1), x.roll(1, 1), is_causal=True)


def attention_module(**settings):
    torch.manual_seed(0)
    module = nn.MultiheadAttention(4, 2, **settings).double().eval()

    def forward(x):
        tokens = x.flatten(2)  # (n, 3, 4)
        if not settings.get("batch_first"):
            tokens = tokens.transpose(0, 1)
        answer = module(tokens, tokens, tokens, need_weights=settings.get("bias", True))[0]
        return answer if settings.get("batch_first") else answer.transpose(0, 1)

    return forward


def encoder(**settings):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, **settings)
    stack = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).double().eval()

    def forward(x):
        if settings.get("batch_first"):
            return stack(x.flatten(2))
        return stack(x.flatten(2).transpose(0, 1)).transpose(0, 1)

    return forward


def excited(x):
    gate = torch.sigmoid(F.conv2d(x.mean((2, 3), keepdim=True), torch.ones(3, 3, 1, 1).to(x)))
    return gate * x


def in_a_slice(x):
    x = x * 1
    x[:, 0].relu_()
    x[:, 1] = x[:, 0].exp()
    x[:, 2] *= x[:, 1]
    return x


def added_in_place(x):
    shortcut = x * 2
    x = F.silu(x)
    x += shortcut
    x.mul_(shortcut)
    x.div_(shortcut.exp())
    return x.sigmoid_()


def overwritten_after_use(x):
    x = x.tanh()
    y = x.exp()
    x.zero_()
    return y + x


def local_response(x):
    return F.local_response_norm(x, 3, alpha=0.5)


COMPOSED = {
    "squeeze and excitation": excited,
    "slices in place": in_a_slice,
    "arithmetic in place": added_in_place,
    "overwritten after use": overwritten_after_use,
    "glu": lambda x: F.glu(x, 3),
    "matmul": lambda x: x @ x.transpose(2, 3),
    "bmm": lambda x: torch.bmm(x[:, 0], x[:, 1].mT),
    "einsum": lambda x: torch.einsum("ncij,ncik->njk", x, x.exp()),
    "baddbmm": lambda x: torch.baddbmm(x[:, 0], x[:, 1, :, :2], x[:, 2, :2]),
    "linear with its own weight": lambda x: F.conv2d(x.exp(), torch.ones(1, 3, 1, 1).to(x)),
    "softmax": lambda x: torch.softmax(x, 1),
    "log_softmax": lambda x: F.log_softmax(x.flatten(1), -1),
    "logsumexp": lambda x: torch.logsumexp(x, (2, 3)),
    "logaddexp": lambda x: torch.logaddexp(x[:, 0], x[:, 1]),
    "max_pool2d overlapping": lambda x: F.max_pool2d(x, 2, 1),
    "max_pool2d padded, ceil": lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    "max_pool2d dilated": lambda x: F.max_pool2d(x, 2, 1, dilation=(1, 2)),
    "max_pool2d with indices": lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
    "torch.max_pool2d": lambda x: torch.max_pool2d(x, 2),
    "max_pool1d": lambda x: nn.MaxPool1d(2)(x.flatten(2)),
    "max_pool3d": lambda x: F.max_pool3d(x[:, None], 2),
    "adaptive_max_pool2d": lambda x: nn.AdaptiveMaxPool2d((2, 3))(x),
    "adaptive_max_pool1d": lambda x: F.adaptive_max_pool1d(x.flatten(2), 2),
    "amax": lambda x: x.amax((2, 3)),
    "max over an axis": lambda x: x.max(1)[0],
    "min over an axis": lambda x: torch.min(x, dim=2, keepdim=True).values,
    "maximum": lambda x: torch.maximum(x[:, 0], x[:, 1]),
    "minimum": lambda x: x[:, 0].minimum(x[:, 1]),
    "group_norm": lambda x: F.group_norm(x.repeat(1, 2, 1, 1).exp(), 2),
    "instance_norm": lambda x: F.instance_norm(x, weight=torch.arange(3).to(x)),
    "rms_norm": lambda x: F.rms_norm(x, (4,)),
    "normalize": lambda x: F.normalize(x, dim=1),
    "cosine_similarity": lambda x: F.cosine_similarity(x[:, :1], x[:, 1:2], 3),
    "std": lambda x: x.std(3),
    "var_mean": lambda x: torch.stack(torch.var_mean(x, dim=3, keepdim=True)),
    "local response": local_response,
    "lp_pool": lambda x: F.lp_pool2d(x.exp(), 2, 2),
    "attention": plain_attention,
    "multi-head attention": attention_module(batch_first=True, bias=False),
    "multi-head attention with weights": attention_module(batch_first=True),
    "multi-head attention, batch second": attention_module(),
    "transformer encoder": encoder(batch_first=True, activation="gelu"),
    "transformer encoder, batch second": encoder(norm_first=True),
    "reflection": lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect").relu(),
    "circular": lambda x: F.pad(x, (1, 1, 1, 1), mode="circular").relu(),
    "bilinear": lambda x: F.interpolate(x, scale_factor=2.0, mode="bilinear").tanh(),
    "pixel shuffle": lambda x: F.pixel_shuffle(x.repeat(1, 4, 1, 1), 2).tanh(),
    "dropout in evaluation": lambda x: F.dropout(x, 0.5, training=False).tanh(),
    "choosing by a constant": lambda x: torch.where(torch.eye(4).bool(), x.exp(), 0.5),
    "merged batch": lambda x: (x.reshape(-1, 4).softmax(1) * x.reshape(-1, 4).sum(1, True)).reshape(
        len(x), -1
    ),
    "merged batch, minor": lambda x: (
        x.permute(1, 0, 2, 3).reshape(-1, 4).softmax(1).reshape(3, len(x), 4, 4).transpose(0, 1)
    ),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_composite_functions_are_complete(name):
    shape = (3, 4, 4) if "attention" not in name and "encoder" not in name else (3, 2, 2)
    image, references = pictures(*shape, count=3, seed=5)

    def forward(x):
        answer = COMPOSED[name](x.clone())
        if name == "var_mean":
            answer = answer.transpose(0, 1)
        answer = answer.flatten(1)
        return answer @ torch.cos(torch.arange(2 * answer.shape[1])).reshape(-1, 2).to(x)

    assert_complete(rescaled_contributions(forward, image, references))
    alone = rescaled_contributions(forward, image, references[1:2]).contributions
    together = rescaled_contributions(forward, image, references).contributions
    torch.testing.assert_close(together[:, 1:2], alone)  # references do not mix


def test_scores_of_classes_are_complete_in_every_form():
    torch.manual_seed(0)
    head = nn.Linear(12, 6).double()
    image, references = pictures(3, 2, 2, count=4, scale=3.0)

    def forward(x):
        z = head(x.flatten(1))
        p = torch.softmax(z, 1)
        return torch.cat(
            [
                z,
                p,
                F.log_softmax(z, -1),
                p.clamp(1e-6, 1 - 1e-6).log(),
                (z[:, 0] - torch.logsumexp(z[:, 1:], 1))[:, None],
                z.gather(1, torch.tensor([[2]]).expand(len(z), 1)) - z[:, 3:4],
                torch.sigmoid(z[:, :1]),
                F.logsigmoid(z[:, :1]) - F.logsigmoid(-z[:, :1]),
            ],
            1,
        )

    found = rescaled_contributions(forward, image, references)
    assert_complete(found)
    torch.testing.assert_close(found.score[-1], head(image.flatten(1))[0, 0].detach())
