import cuda_model_roofline as model

MIXTRAL = model.Shape("mixtral-8x7b", 4096, 14336, 8, 2)


def stage(name: str, tokens: int, dtype: str = "bf16") -> model.Stage:
    return next(s for s in model.stages(MIXTRAL, tokens, dtype) if s.name == name)


def test_one_token_hits_as_many_experts_as_it_chooses():
    assert abs(model.experts_hit(MIXTRAL, 1) - 2) < 1e-12


def test_many_tokens_hit_all_experts():
    assert abs(model.experts_hit(MIXTRAL, 1000) - 8) < 1e-12


def test_a_token_of_mixtral_reads_two_experts_once():
    # 2 experts, 2 * 14336 * 4096 numbers of 2 bytes, and two rows of 4096
    assert stage("product 1 + SwiGLU", 1).read == 2 * 2 * 14336 * 4096 * 2 + 2 * 4096 * 2


def test_both_products_have_six_flops_for_each_number_of_the_row_times_width():
    flops = stage("product 1 + SwiGLU", 5).flops + stage("product 2", 5).flops
    assert flops == 6 * 5 * 2 * 14336 * 4096


def test_one_token_is_bound_by_bytes_and_many_by_flops():
    few = model.model_seconds(stage("product 1 + SwiGLU", 1), model.GPUS["h100"], "bf16")
    many = model.model_seconds(stage("product 1 + SwiGLU", 8192), model.GPUS["h100"], "bf16")
    assert (few[1], many[1]) == ("bytes", "flops")


def test_f32_runs_outside_the_tensor_cores():
    assert not stage("product 2", 8, "f32").on_tensor_cores


def test_every_table_says_that_it_is_a_model():
    for gpu in model.GPUS.values():
        for dtype in model.BYTES:
            assert "model, not a measurement" in model.table(MIXTRAL, 8, dtype, gpu)[0]


def test_a_dtype_without_tensor_cores_is_said_and_not_guessed():
    assert "no tensor cores for e4m3" in model.table(MIXTRAL, 8, "e4m3", model.GPUS["a100"])[1]
