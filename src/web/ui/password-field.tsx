import { texts } from '../texts.ts';

export function PasswordField() {
  return (
    <label>
      {texts.signIn.password}
      <input name="password" type="password" autocomplete="current-password" required autofocus />
    </label>
  );
}
