"""Where one scene ends and the next begins: told by the pictures on the client, or by a person's file."""
