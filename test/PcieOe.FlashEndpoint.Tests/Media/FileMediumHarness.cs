using PcieOe.FlashEndpoint.Interop;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Files;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

/// <summary>A file medium in a directory of its own, and requests that are waited for as a daemon would: asleep on the descriptor.</summary>
internal sealed unsafe class FileMediumHarness : IDisposable
{
    private readonly MediaCompletion[] _completions = new MediaCompletion[64];
    private readonly string _directory;
    private FileMedium? _medium;
    private ulong _nextContext;

    public FileMediumHarness(FileEngineKind kind, long sizeBytes, string? directory = null)
    {
        SkipWhereNotAllowed(kind);
        _directory = directory ?? Directory.CreateTempSubdirectory("pcieoe-media-").FullName;
        Options = new FileMediumOptions
        {
            Path = Path.Combine(_directory, "medium"),
            SizeBytes = sizeBytes,
            CreateIfMissing = true,
            Engine = kind,
            MaximumOutstanding = 64,
        };
    }

    public FileMediumOptions Options { get; set; }

    public FileMedium Medium => _medium ?? throw new InvalidOperationException("Open it first.");

    public FileMedium Open()
    {
        _medium = FileMedium.Open(Options);
        Assert.StartsWith(Options.Engine == FileEngineKind.Threads ? "threads" : "io_uring", Medium.EngineDescription, StringComparison.Ordinal);
        return Medium;
    }

    /// <summary>Opens with another engine around the one that works on the file.</summary>
    public TEngine Open<TEngine>(Func<IFileEngine, TEngine> wrap)
        where TEngine : IFileEngine
    {
        MediaFile file = MediaFile.Open(Options);
        TEngine engine = wrap(FileEngineChoice.Create(Options, file.Descriptor, out _));
        _medium = new FileMedium(file, engine, Options);
        return engine;
    }

    public static void SkipWhereNotAllowed(FileEngineKind kind)
    {
        if (kind == FileEngineKind.IoUring)
        {
            using IoUring? ring = IoUring.TryCreate(1, out string reason);
            Assert.SkipWhen(ring is null, $"io_uring is not allowed here: {reason}");
        }
    }

    public MediaStatus Write(long offset, ReadOnlySpan<byte> data, bool isForced = false)
    {
        fixed (byte* pointer = data)
        {
            return Do(new MediaRequest { Operation = MediaOperation.Write, ForceUnitAccess = isForced, Offset = offset, Length = data.Length, Data = pointer });
        }
    }

    public MediaStatus Read(long offset, Span<byte> data)
    {
        fixed (byte* pointer = data)
        {
            return Do(new MediaRequest { Operation = MediaOperation.Read, Offset = offset, Length = data.Length, Data = pointer });
        }
    }

    public MediaStatus Flush() => Do(new MediaRequest { Operation = MediaOperation.Flush });

    public MediaStatus Zero(MediaOperation operation, long offset, long length) =>
        Do(new MediaRequest { Operation = operation, Offset = offset, Length = length });

    /// <summary>Does one request, with none other under way.</summary>
    public MediaStatus Do(MediaRequest request)
    {
        ulong context = ++_nextContext;
        request = request with { Context = context };
        MediaStart start = Medium.Start(request, out MediaStatus status);
        if (start == MediaStart.Completed)
        {
            return status;
        }

        Assert.Equal(MediaStart.Pending, start);
        Medium.Submit();
        while (true)
        {
            ReadOnlySpan<MediaCompletion> completions = Poll();
            if (completions.Length > 0)
            {
                Assert.Equal(1, completions.Length);
                Assert.Equal(context, completions[0].Context);
                return completions[0].Status;
            }
        }
    }

    /// <summary>Sleeps until there may be completions, and takes them.</summary>
    public ReadOnlySpan<MediaCompletion> Poll()
    {
        if (!Medium.HasCompletions)
        {
            var descriptor = new PollDescriptor { Descriptor = Medium.WakeUpDescriptor, Events = Libc.PollIn };
            int ready = Libc.Poll(&descriptor, 1, timeoutMilliseconds: 20_000);
            Assert.True(ready == 1 || Libc.LastError == Errno.Interrupted, "Nothing woke the poller for 20 s.");
        }

        return _completions.AsSpan(0, Medium.Poll(_completions));
    }

    public void Dispose()
    {
        Close();
        Directory.Delete(_directory, recursive: true);
    }

    public void Close()
    {
        _medium?.Dispose();
        _medium = null;
    }
}
