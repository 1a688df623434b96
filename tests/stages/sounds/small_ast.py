"""AST as transformers keeps it, small and of random numbers."""


def small_ast(folder):
    """A folder with AST in it that hears 1.28 s at a time and knows 3 classes."""
    from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification, set_seed

    set_seed(3)
    labels = {0: "Speech", 1: "Music", 2: "Child speech, kid speaking"}
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = ASTConfig(max_length=128, initializer_range=0.5, id2label=labels, label2id={}, **sizes)
    ASTForAudioClassification(config).save_pretrained(folder)
    ASTFeatureExtractor(max_length=128).save_pretrained(folder)
    return folder
