import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { SecondFactorRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { texts } from '../texts.ts';
import { Dialog, textOf } from './dialog.tsx';
import { PasswordField } from './password-field.tsx';
import { useLoaded } from './use-loaded.ts';

type Step =
  | { readonly name: 'begin' | 'remove' }
  | { readonly name: 'confirm'; readonly uri: string }
  | { readonly name: 'recovery'; readonly codes: readonly string[] };

const { secondFactor } = texts;

/** Turns the codes of an authenticator app on and off. */
export function SecondFactor() {
  const { api } = useApp();
  const step = useSignal<Step | undefined>(undefined);
  const { value, reload } = useLoaded<SecondFactorRecord>(
    () => api.json('GET', '/v1/second-factor'),
    () => false,
  );
  const state = value.value;
  if (state === undefined) return null;
  const { enabled, recovery } = state;
  return (
    <section>
      <h2>{secondFactor.title}</h2>
      <p>{enabled ? secondFactor.on(recovery) : secondFactor.off}</p>
      <div class="buttons start">
        <button type="button" onClick={() => (step.value = { name: enabled ? 'remove' : 'begin' })}>
          {enabled ? secondFactor.turnOff : secondFactor.turnOn}
        </button>
      </div>
      <StepDialog step={step} onChanged={() => void reload()} />
    </section>
  );
}

interface StepDialogProps {
  readonly step: Signal<Step | undefined>;
  readonly onChanged: () => void;
}

function StepDialog({ step, onChanged }: StepDialogProps) {
  const { api, notices } = useApp();
  const now = step.value;
  /** A dialog that has led to the next one does not close that. */
  const onClose = () => {
    if (step.value === now) step.value = undefined;
  };
  const begin = async (fields: FormData) => {
    const body = { password: textOf(fields, 'password') };
    const { uri } = await api.json<{ uri: string }>('POST', '/v1/second-factor', { body });
    step.value = { name: 'confirm', uri };
  };
  const confirm = async (fields: FormData) => {
    const body = { code: textOf(fields, 'code') };
    const { recovery } = await api.json<{ recovery: string[] }>('POST', '/v1/second-factor/confirm', { body });
    onChanged();
    step.value = { name: 'recovery', codes: recovery };
  };
  const remove = async (fields: FormData) => {
    const body = { password: textOf(fields, 'password'), code: textOf(fields, 'code') };
    await api.json('DELETE', '/v1/second-factor', { body });
    onChanged();
    notices.show(secondFactor.removed);
  };
  switch (now?.name) {
    case 'begin':
      return (
        <Dialog key="begin" title={secondFactor.turnOn} submit={secondFactor.next} onSubmit={begin} onClose={onClose}>
          <p>{secondFactor.text}</p>
          <PasswordField />
        </Dialog>
      );
    case 'confirm':
      return (
        <Dialog
          key="confirm"
          title={secondFactor.scan}
          submit={secondFactor.turnOn}
          onSubmit={confirm}
          onClose={onClose}
        >
          <QrCode text={now.uri} />
          <p class="quiet">{secondFactor.byHand}</p>
          <code class="secret">{secretOf(now.uri)}</code>
          <CodeField />
        </Dialog>
      );
    case 'recovery':
      return (
        <Dialog
          key="recovery"
          title={secondFactor.recoveryTitle}
          submit={secondFactor.kept}
          onSubmit={async () => undefined}
          onClose={onClose}
        >
          <p>{secondFactor.recoveryText}</p>
          <ul class="codes" aria-label={secondFactor.recoveryTitle}>
            {now.codes.map((code) => (
              <li key={code}>
                <code>{code}</code>
              </li>
            ))}
          </ul>
        </Dialog>
      );
    case 'remove':
      return (
        <Dialog
          key="remove"
          title={secondFactor.turnOff}
          submit={secondFactor.turnOff}
          isDangerous
          onSubmit={remove}
          onClose={onClose}
        >
          <p>{secondFactor.removeText}</p>
          <PasswordField />
          <CodeField />
        </Dialog>
      );
    default:
      return null;
  }
}

/** For a code of the app, or one of those that replace it. */
export function CodeField({ isFocused = false }: { readonly isFocused?: boolean }) {
  return (
    <label>
      {secondFactor.code}
      <input
        name="code"
        autocomplete="one-time-code"
        autocapitalize="none"
        maxLength={100}
        required
        autofocus={isFocused}
      />
    </label>
  );
}

/** In groups, for those who type it. */
function secretOf(uri: string): string {
  return (new URL(uri).searchParams.get('secret') ?? '').replaceAll(/.{4}(?=.)/g, '$& ');
}

function QrCode({ text }: { readonly text: string }) {
  const drawn = useSignal<{ readonly size: number; readonly path: string } | undefined>(undefined);
  useEffect(() => {
    const draw = async () => {
      const { generate } = await import('lean-qr');
      const bitmap = generate(text);
      const { size } = bitmap;
      const squares: string[] = [];
      for (let y = 0; y < size; y += 1)
        for (let x = 0; x < size; x += 1) if (bitmap.get(x, y)) squares.push(`M${x} ${y}h1v1h-1z`);
      drawn.value = { size, path: squares.join('') };
    };
    // The secret is below it, too.
    void draw().catch(() => undefined);
  }, [text]);
  if (drawn.value === undefined) return null;
  const { size, path } = drawn.value;
  return (
    <svg
      class="qr"
      role="img"
      aria-label={secondFactor.qr}
      viewBox={`-4 -4 ${size + 8} ${size + 8}`}
      shape-rendering="crispEdges"
    >
      <path d={path} />
    </svg>
  );
}
