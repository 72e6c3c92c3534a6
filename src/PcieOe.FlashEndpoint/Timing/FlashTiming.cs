namespace PcieOe.FlashEndpoint.Timing;

/// <summary>
/// Flash as a set of next-free times: dies and planes run one operation after another, in the order of the calls; transfers take the
/// first gap of their channel's bus; writes are done when the write buffer has room, and programs follow by whole word lines.
/// Each call answers with a target time and books what it needs; nothing is simulated in between, so a read does not overtake
/// programs that were booked before it. docs/flash-timing.md has the model and its limits.
/// </summary>
public sealed class FlashTiming : IFlashTiming
{
    private FlashModel _model;

    /// <summary>Written by any thread, read by the timing's own: a whole model, built before it is published; null once taken over.</summary>
    private FlashModel? _next;

    /// <exception cref="ArgumentException">A parameter makes no sense.</exception>
    public FlashTiming(FlashParameters parameters)
    {
        _model = Build(parameters);
    }

    /// <summary>What the next command is timed with. Any thread.</summary>
    public FlashParameters Parameters => (Volatile.Read(ref _next) ?? _model).Parameters;

    /// <summary>
    /// Changes the parameters from the next command on. Operations already booked keep their times, and dies and buses their state,
    /// unless geometry, write buffer or seed change: then the model starts idle. Any thread.
    /// </summary>
    /// <exception cref="ArgumentException">A parameter makes no sense; nothing is changed.</exception>
    public void Reconfigure(FlashParameters parameters) => Volatile.Write(ref _next, Build(parameters));

    public void Schedule(FlashOperation operation, long offset, long bytes, long now, out FlashTimes times)
    {
        if (Volatile.Read(ref _next) is not null)
        {
            TakeOver();
        }

        _model.Schedule(operation, offset, bytes, now, out times);
    }

    private void TakeOver()
    {
        FlashModel next = Interlocked.Exchange(ref _next, null)!;
        next.Inherit(_model);
        _model = next;
    }

    private static FlashModel Build(FlashParameters parameters)
    {
        ArgumentNullException.ThrowIfNull(parameters);
        var mistakes = new List<string>();
        parameters.Validate(mistakes);
        return mistakes.Count == 0
            ? new FlashModel(parameters, new StripedMapping(parameters))
            : throw new ArgumentException(string.Join(' ', mistakes), nameof(parameters));
    }
}
