using PcieOe.FlashEndpoint.Media.Files;

namespace PcieOe.FlashEndpoint.Tests.Media;

/// <summary>
/// A file engine with faults: each step is shown to a script first, which may change it, or answer it itself with an error number.
/// Everything else is done by the engine beneath.
/// </summary>
internal sealed class ScriptedFileEngine(IFileEngine inner) : IFileEngine
{
    public delegate int Script(ref FileStep step);

    /// <summary>The answer of a script that lets the step pass.</summary>
    public const int Pass = 0;

    private readonly Queue<FileStepResult> _answers = new();

    /// <summary>Answers an error number, or <see cref="Pass"/>.</summary>
    public Script OnStep { get; set; } = (ref FileStep _) => Pass;

    public List<FileStepKind> Seen { get; } = [];

    public int WakeUpDescriptor => inner.WakeUpDescriptor;

    public bool HasWork => _answers.Count > 0 || inner.HasWork;

    public void Add(in FileStep step)
    {
        Seen.Add(step.Kind);
        FileStep changed = step;
        int error = OnStep(ref changed);
        if (error == Pass)
        {
            inner.Add(changed);
        }
        else
        {
            _answers.Enqueue(new FileStepResult(step.Slot, -error));
        }
    }

    public void Submit() => inner.Submit();

    public int Take(Span<FileStepResult> results)
    {
        int count = 0;
        while (count < results.Length && _answers.TryDequeue(out FileStepResult answer))
        {
            results[count++] = answer;
        }

        return count + inner.Take(results[count..]);
    }

    public void Dispose() => inner.Dispose();
}
