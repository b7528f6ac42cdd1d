export function PictureError({ text }: { text: string }) {
  return (
    <div class="reason" role="alert" data-testid="picture-error">
      <p>This picture cannot be read: {text}.</p>
      <p>
        If it is damaged, <code>tbviz inspect LOG_DIR --verify</code> lists all damage.
      </p>
    </div>
  );
}
