"""What has to be known of a codec's bitstream."""
