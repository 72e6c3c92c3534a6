using PcieOe.FlashEndpoint.Media;

namespace PcieOe.FlashEndpoint.Tests.Harness;

/// <summary>A medium in memory that answers like a slow one: when the test says so, and how the test says.</summary>
internal sealed unsafe class SlowMedia(int capacityBytes) : IBlockMedia
{
    private readonly List<MediaRequest> _pending = [];
    private readonly Queue<MediaCompletion> _completed = new();

    public byte[] Content { get; } = new byte[capacityBytes];

    public int MaximumPending { get; set; } = int.MaxValue;

    /// <summary>Whether requests are completed by the next Poll without being asked.</summary>
    public bool AnswersByItself { get; set; } = true;

    public Func<MediaRequest, MediaStatus>? Outcome { get; set; }

    public List<MediaRequest> Log { get; } = [];

    public int Submits { get; private set; }

    public int PendingCount => _pending.Count;

    public long CapacityBytes => Content.Length;

    public bool IsImmediate => false;

    public bool HasVolatileWriteCache => true;

    public bool IsWriteCacheEnabled { get; set; } = true;

    public bool IsFaulted { get; set; }

    public bool IsDisposed { get; private set; }

    public bool HasCompletions => _completed.Count > 0 || AnswersByItself && _pending.Count > 0;

    public int WakeUpDescriptor => -1;

    public void Read(long offset, Span<byte> destination) => throw new InvalidOperationException("This medium is not immediate.");

    public void Prefetch(long offset, long length) => throw new InvalidOperationException("This medium is not immediate.");

    public MediaStart Start(in MediaRequest request, out MediaStatus status)
    {
        status = MediaStatus.Success;
        if (_pending.Count >= MaximumPending)
        {
            return MediaStart.Busy;
        }

        Xunit.Assert.True(request.Operation == MediaOperation.Flush || request.Offset >= 0 && request.Length > 0 && request.Length <= CapacityBytes - request.Offset);
        _pending.Add(request);
        Log.Add(request);
        return MediaStart.Pending;
    }

    public void Submit() => Submits++;

    public int Poll(Span<MediaCompletion> completions)
    {
        if (AnswersByItself)
        {
            Answer();
        }

        int count = 0;
        while (count < completions.Length && _completed.TryDequeue(out MediaCompletion completion))
        {
            completions[count++] = completion;
        }

        return count;
    }

    /// <summary>Carries pending requests out.</summary>
    public void Answer(int count = int.MaxValue)
    {
        for (count = Math.Min(count, _pending.Count); count > 0; count--)
        {
            MediaRequest request = _pending[0];
            _pending.RemoveAt(0);
            MediaStatus status = Outcome?.Invoke(request) ?? MediaStatus.Success;
            if (status == MediaStatus.Success)
            {
                CarryOut(in request);
            }

            _completed.Enqueue(new MediaCompletion(request.Context, status));
        }
    }

    public void Dispose() => IsDisposed = true;

    private void CarryOut(in MediaRequest request)
    {
        Span<byte> range = request.Operation == MediaOperation.Flush ? default : Content.AsSpan((int)request.Offset, (int)request.Length);
        switch (request.Operation)
        {
            case MediaOperation.Read:
                range.CopyTo(new Span<byte>(request.Data, range.Length));
                break;
            case MediaOperation.Write:
                new Span<byte>(request.Data, range.Length).CopyTo(range);
                break;
            case MediaOperation.Deallocate:
            case MediaOperation.WriteZeroes:
                range.Clear();
                break;
        }
    }
}
