"""Write a store while a model trains."""
