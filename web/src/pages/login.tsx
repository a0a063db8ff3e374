import { useEffect, useState } from 'preact/hooks';
import { post, reconnectNow, status } from '../link/link.js';

export function Login() {
  const [error, setError] = useState('');
  const [isBusy, setBusy] = useState(false);

  const enter = async (path: string, body: unknown) => {
    setBusy(true);
    const answer = await post(path, body);
    setBusy(false);
    if (!answer.ok) {
      setError(String(answer.body.error ?? 'something went wrong; try again'));
      return;
    }
    status.value = 'connecting';
    reconnectNow();
  };

  useEffect(() => {
    const token = /^#invite=([\w-]+)$/.exec(location.hash)?.[1];
    if (token === undefined) return;
    history.replaceState(null, '', location.pathname);
    void enter('invite', { token });
  }, []);

  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    void enter('login', { user: form.get('user'), password: form.get('password') });
  };

  return (
    <main class="login">
      <form onSubmit={submit}>
        <h1>fastsamd</h1>
        <label>
          Name
          <input name="user" autocomplete="username" autocapitalize="none" required />
        </label>
        <label>
          Password
          <input name="password" type="password" autocomplete="current-password" required />
        </label>
        <p role="alert" class="bad">
          {error}
        </p>
        <button type="submit" class="primary" disabled={isBusy}>
          Log in
        </button>
      </form>
    </main>
  );
}
