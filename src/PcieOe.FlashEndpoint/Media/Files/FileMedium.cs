using System.Diagnostics;
using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Interop;

namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>
/// A medium in a file. An acknowledged write is in the system's page cache: it survives this process, whatever kills it. Flush and forced
/// unit access end with fdatasync. If that fails once, nobody knows any more what the disk has, and later ones may claim success (the kernel
/// tells such an error once and may drop the pages): the medium is then faulted until it is opened anew.
/// </summary>
public sealed unsafe class FileMedium : IBlockMedia
{
    /// <summary>Sizes are multiples of this.</summary>
    public const int AlignmentBytes = 4096;

    /// <summary>How much one system call reads or writes at most; longer requests take several.</summary>
    private const long MaximumStepBytes = 1 << 30;

    /// <summary>Zeroes are written in pieces of this size where a file system has no other way.</summary>
    private const int ZeroBytes = 1 << 20;

    private const int ResultsAtOnce = 64;

    private readonly MediaFile _file;
    private readonly IFileEngine _engine;
    private readonly RequestTable _requests;
    private readonly FileStepResult[] _results = new FileStepResult[ResultsAtOnce];
    private byte* _zeroes;
    private bool _canZeroRange = true;
    private bool _canPunchHole;
    private bool _isDisposed;

    /// <param name="file">Disposed with the medium, as is the engine.</param>
    internal FileMedium(MediaFile file, IFileEngine engine, FileMediumOptions options)
    {
        CapacityBytes = file.SizeBytes;
        IsWriteCacheEnabled = options.EnableWriteCache;
        _canPunchHole = !options.Preallocate;
        _engine = engine;
        _file = file;
        _requests = new RequestTable(options.MaximumOutstanding);
    }

    /// <exception cref="MediaException">The file cannot be used; the message says why, and what to do.</exception>
    /// <exception cref="ArgumentException">The options make no sense.</exception>
    public static FileMedium Open(FileMediumOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var mistakes = new List<string>();
        options.Validate(mistakes);
        if (mistakes.Count > 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes), nameof(options));
        }

        MediaFile file = MediaFile.Open(options);
        try
        {
            IFileEngine engine = FileEngineChoice.Create(options, file.Descriptor, out string description);
            return new FileMedium(file, engine, options) { EngineDescription = description };
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Who does the work, for the log: "io_uring", or "threads" and why.</summary>
    public string EngineDescription { get; internal init; } = "";

    public long CapacityBytes { get; }

    public bool IsImmediate => false;

    public bool HasVolatileWriteCache => true;

    public bool IsWriteCacheEnabled { get; set; }

    public bool IsFaulted { get; private set; }

    public bool HasCompletions => _engine.HasWork;

    public int WakeUpDescriptor => _engine.WakeUpDescriptor;

    public void Read(long offset, Span<byte> destination) => throw new InvalidOperationException("A file is not an immediate medium.");

    public void Prefetch(long offset, long length) => throw new InvalidOperationException("A file is not an immediate medium.");

    public MediaStart Start(in MediaRequest request, out MediaStatus status)
    {
        Debug.Assert(request.Operation == MediaOperation.Flush || (request.Offset >= 0 && request.Offset + request.Length <= CapacityBytes));
        if (IsFaulted)
        {
            status = FaultOf(request.Operation);
            return MediaStart.Completed;
        }

        status = MediaStatus.Success;
        if (request.Length == 0 && request.Operation != MediaOperation.Flush)
        {
            return MediaStart.Completed;
        }

        bool isFlush = request.Operation == MediaOperation.Flush;
        var state = new RequestState
        {
            Operation = request.Operation,
            Step = StepFor(request.Operation),
            IsDurable = request.ForceUnitAccess || !IsWriteCacheEnabled,
            Offset = isFlush ? 0 : request.Offset,
            Length = isFlush ? 0 : request.Length,
            Data = request.Data,
            Context = request.Context,
        };
        int slot = _requests.Add(state, out bool mayStart);
        if (slot < 0)
        {
            return MediaStart.Busy;
        }

        if (mayStart)
        {
            StartStep(slot);
        }

        return MediaStart.Pending;
    }

    public void Submit() => _engine.Submit();

    public int Poll(Span<MediaCompletion> completions)
    {
        int taken = _engine.Take(_results.AsSpan(0, Math.Min(completions.Length, ResultsAtOnce)));
        int count = 0;
        for (int i = 0; i < taken; i++)
        {
            ref RequestState request = ref _requests[_results[i].Slot];
            if (OnStepEnded(ref request, _results[i].Result, out MediaStatus status))
            {
                completions[count++] = new MediaCompletion(request.Context, status);
                Finish(_results[i].Slot);
            }
            else
            {
                StartStep(_results[i].Slot);
            }
        }

        _engine.Submit();
        return count;
    }

    /// <summary>Waits for what is under way, since the kernel still uses its memory.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        Span<MediaCompletion> completions = stackalloc MediaCompletion[16];
        while (_requests.Count > 0)
        {
            if (Poll(completions) == 0 && !_engine.HasWork)
            {
                var descriptor = new PollDescriptor { Descriptor = _engine.WakeUpDescriptor, Events = Libc.PollIn };
                _ = Libc.Poll(&descriptor, 1, timeoutMilliseconds: 100);
            }
        }

        _engine.Dispose();
        _file.Dispose();
        NativeMemory.AlignedFree(_zeroes);
    }

    private void StartStep(int slot)
    {
        ref RequestState request = ref _requests[slot];
        var step = new FileStep { Kind = request.Step, Slot = slot, Offset = request.Offset + request.DoneBytes, Length = request.Length - request.DoneBytes };
        switch (request.Step)
        {
            case FileStepKind.Read:
                step.Length = Math.Min(step.Length, MaximumStepBytes);
                step.Data = request.Data + request.DoneBytes;
                break;
            case FileStepKind.Write when request.Operation == MediaOperation.Write:
                step.Length = Math.Min(step.Length, MaximumStepBytes);
                step.Data = request.Data + request.DoneBytes;
                break;
            case FileStepKind.Write:
                step.Length = Math.Min(step.Length, ZeroBytes);
                step.Data = Zeroes();
                break;
            case FileStepKind.Synchronize when request.Operation != MediaOperation.Flush:
                step.Offset = request.Offset;
                step.Length = request.Length;
                break;
        }

        _engine.Add(step);
    }

    /// <summary>Decides what follows a step: another one (false), or the end of the request.</summary>
    private bool OnStepEnded(ref RequestState request, int result, out MediaStatus status)
    {
        status = MediaStatus.Success;
        if (result is -Errno.Interrupted or -Errno.TryAgain)
        {
            return false;
        }

        switch (request.Step)
        {
            case FileStepKind.Synchronize:
                IsFaulted |= result < 0;
                break;
            case FileStepKind.ZeroRange or FileStepKind.PunchHole when result is -Errno.NotSupported or -Errno.NotImplemented:
                // Asked once: from then on the next way is the first.
                _canZeroRange &= request.Step != FileStepKind.ZeroRange;
                _canPunchHole &= request.Step != FileStepKind.PunchHole;
                request.Step = StepFor(request.Operation);
                return false;
            case FileStepKind.ZeroRange or FileStepKind.PunchHole:
                request.DoneBytes = request.Length;
                status = result < 0 ? WriteErrorOf(result) : MediaStatus.Success;
                break;
            case FileStepKind.Read:
                // Nothing read means that someone made the file shorter.
                status = result <= 0 ? MediaStatus.ReadError : MediaStatus.Success;
                request.DoneBytes += Math.Max(result, 0);
                break;
            default:
                status = result <= 0 ? WriteErrorOf(result) : MediaStatus.Success;
                request.DoneBytes += Math.Max(result, 0);
                break;
        }

        if (IsFaulted)
        {
            status = FaultOf(request.Operation);
            return true;
        }

        if (status != MediaStatus.Success || request.Step == FileStepKind.Synchronize)
        {
            return true;
        }

        if (request.DoneBytes < request.Length)
        {
            return false;
        }

        if (request.IsDurable && request.Operation != MediaOperation.Read)
        {
            request.Step = FileStepKind.Synchronize;
            return false;
        }

        return true;
    }

    private void Finish(int slot)
    {
        foreach (int waiting in _requests.Remove(slot))
        {
            StartStep(waiting);
        }
    }

    /// <summary>The first step of an operation. Zeroes can be had in up to three ways; a hole gives storage away, which a preallocated file keeps.</summary>
    private FileStepKind StepFor(MediaOperation operation) => operation switch
    {
        MediaOperation.Read => FileStepKind.Read,
        MediaOperation.Write => FileStepKind.Write,
        MediaOperation.Flush => FileStepKind.Synchronize,
        MediaOperation.Deallocate when _canPunchHole => FileStepKind.PunchHole,
        _ when _canZeroRange => FileStepKind.ZeroRange,
        _ when _canPunchHole => FileStepKind.PunchHole,
        _ => FileStepKind.Write,
    };

    private byte* Zeroes()
    {
        if (_zeroes is null)
        {
            _zeroes = (byte*)NativeMemory.AlignedAlloc(ZeroBytes, AlignmentBytes);
            NativeMemory.Clear(_zeroes, ZeroBytes);
        }

        return _zeroes;
    }

    private static MediaStatus WriteErrorOf(int result) =>
        result is -Errno.NoSpace or -Errno.QuotaExceeded or -Errno.FileTooBig ? MediaStatus.OutOfSpace : MediaStatus.WriteError;

    private static MediaStatus FaultOf(MediaOperation operation) =>
        operation == MediaOperation.Read ? MediaStatus.ReadError : MediaStatus.WriteError;
}
