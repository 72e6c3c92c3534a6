using PcieOe.FlashEndpoint.Interop;

namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>
/// Steps by io_uring: the kernel does at once what it can from the page cache, and hands the rest to threads of its own.
/// The ring's descriptor itself tells of completions, so a poller that is busy makes no system call to clear anything.
/// </summary>
internal sealed unsafe class IoUringFileEngine : IFileEngine
{
    private readonly IoUring _ring;
    private readonly int _file;

    private IoUringFileEngine(IoUring ring, int fileDescriptor)
    {
        _ring = ring;
        _file = fileDescriptor;
    }

    /// <param name="fileDescriptor">Stays the caller's, and open until the engine is disposed.</param>
    /// <param name="reason">Why there is none.</param>
    public static IoUringFileEngine? TryCreate(int fileDescriptor, int maximumSteps, out string reason)
    {
        IoUring? ring = IoUring.TryCreate(maximumSteps, out reason);
        return ring is null ? null : new IoUringFileEngine(ring, fileDescriptor);
    }

    public int WakeUpDescriptor => _ring.Descriptor;

    public bool HasWork => _ring.HasCompletions || _ring.Unsubmitted > 0;

    public void Add(in FileStep step)
    {
        ref IoUringSubmission entry = ref _ring.Add();
        entry.Descriptor = _file;
        entry.UserData = (ulong)step.Slot;
        entry.Offset = step.Offset;
        switch (step.Kind)
        {
            case FileStepKind.Read:
            case FileStepKind.Write:
                entry.Operation = step.Kind == FileStepKind.Read ? IoUringAbi.OperationRead : IoUringAbi.OperationWrite;
                entry.Address = (ulong)step.Data;
                entry.Length = (uint)step.Length;
                break;
            case FileStepKind.Synchronize:
                entry.Operation = IoUringAbi.OperationSynchronize;
                entry.OperationFlags = IoUringAbi.SynchronizeDataOnly;
                if (step.Length <= uint.MaxValue)
                {
                    entry.Length = (uint)step.Length;
                }
                else
                {
                    entry.Offset = 0;
                }

                break;
            default:
                entry.Operation = IoUringAbi.OperationAllocate;
                entry.Address = (ulong)step.Length;
                entry.Length = Libc.AllocateKeepSize | (uint)(step.Kind == FileStepKind.PunchHole ? Libc.AllocatePunchHole : Libc.AllocateZeroRange);
                break;
        }
    }

    public void Submit()
    {
        if (_ring.Unsubmitted > 0)
        {
            _ring.Submit();
        }
    }

    public int Take(Span<FileStepResult> results)
    {
        int count = 0;
        while (count < results.Length && _ring.TryTake(out IoUringCompletion completion))
        {
            results[count++] = new FileStepResult((int)completion.UserData, completion.Result);
        }

        return count;
    }

    public void Dispose() => _ring.Dispose();
}
