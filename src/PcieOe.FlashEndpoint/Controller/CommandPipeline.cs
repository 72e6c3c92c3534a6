using PcieOe.FlashEndpoint.Admin;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>
/// Leads commands from their entry to the egress queue: data pointer, buffer, data from the host, medium, the time flash takes. What a
/// command means is for the admin and I/O parts; how its result is written, for <see cref="Queues.CompletionWriter"/>.
/// Commands that lack something (a buffer, room for a DMA read, room at the medium) wait for it in order of arrival.
/// </summary>
internal sealed unsafe class CommandPipeline
{
    private const int CompletionsPerPoll = 32;
    private const int TimedPerCall = 64;

    private readonly NvmeController _controller;
    private readonly CommandTable _commands;
    private readonly StagingBuffers _buffers;
    private readonly IBlockMedia _media;
    private readonly ReadyHeap _timed;
    private readonly MediaCompletion[] _completions = new MediaCompletion[CompletionsPerPoll];
    private CommandFifo _needBuffer;
    private CommandFifo _needReadRoom;
    private CommandFifo _needMedia;
    private bool _hasReadRoom = true;
    private bool _isMediaStarted;

    public CommandPipeline(NvmeController controller, StagingBuffers buffers, IBlockMedia media)
    {
        _controller = controller;
        _commands = controller.Commands;
        _buffers = buffers;
        _media = media;
        _timed = new ReadyHeap(_commands.Count);
    }

    public long NextDeadline => _timed.NextNanoseconds;

    /// <summary>A command whose entry has just been taken.</summary>
    public void Begin(Command command, long now)
    {
        command.State = CommandState.Active;
        if (command.IsAdmin)
        {
            command.AdmittedNanoseconds = now;
            _controller.Admin.Begin(command, now);
            return;
        }

        NvmeStatus status = _controller.Io.Decode(command);
        if (status != NvmeStatus.Success)
        {
            command.AdmittedNanoseconds = now;
            Complete(command, status, now);
            return;
        }

        command.State = CommandState.Admission;
        var request = new AdmissionRequest
        {
            Token = command.Name.Token,
            ArrivalNanoseconds = command.ArrivalNanoseconds,
            Origin = command.ArrivalOrigin,
            Bytes = command.DataBytes,
        };
        Admission admission = _controller.Host.Submit(in request, now);
        if (admission.Starts)
        {
            OnAdmitted(command, admission.DeadlineNanoseconds, now);
        }
    }

    /// <summary>Admission control lets a command start. False: it does not wait for that any longer.</summary>
    public bool OnAdmitted(Command command, long deadline, long now)
    {
        if (command.State != CommandState.Admission)
        {
            return false;
        }

        command.State = CommandState.Active;
        command.DeadlineNanoseconds = deadline;
        command.AdmittedNanoseconds = now;
        _controller.Io.OnStarting(command, now);
        MoveData(command, now);
        return true;
    }

    /// <summary>Walks the data pointer, gathers data from the host, then executes.</summary>
    public void MoveData(Command command, long now)
    {
        if (command.DataBytes == 0)
        {
            Execute(command, now);
        }
        else
        {
            OnWalked(command, _controller.DataPointers.Begin(command), now);
        }
    }

    /// <summary>Executes once a staging buffer is held; false: the command waits for one, and is executed then.</summary>
    public bool EnsureBuffer(Command command)
    {
        if (command.Data is not null)
        {
            return true;
        }

        if (!_needBuffer.IsEmpty || !_buffers.TryRent(out command.Buffer))
        {
            command.Step = CommandStep.Execute;
            _needBuffer.Add(command);
            return false;
        }

        command.Data = _buffers[command.Buffer];
        return true;
    }

    /// <summary>Starts what <see cref="Command.MediaRequest"/> asks. False: it is pending or waits; the command's part hears of its end.</summary>
    public bool TryRunMedia(Command command, out MediaStatus status)
    {
        if (_needMedia.IsEmpty)
        {
            switch (_media.Start(in command.MediaRequest, out status))
            {
                case MediaStart.Completed:
                    return true;
                case MediaStart.Pending:
                    command.IsMediaPending = true;
                    _isMediaStarted = true;
                    return false;
            }
        }

        status = MediaStatus.Success;
        command.Step = CommandStep.StartMedia;
        _needMedia.Add(command);
        return false;
    }

    /// <summary>The command is done; it goes on its way when flash would have done it too.</summary>
    public void Finish(Command command, long now)
    {
        if (command.ReadyNanoseconds > now && command.Status == NvmeStatus.Success)
        {
            command.State = CommandState.Timed;
            _timed.Add(command.ReadyNanoseconds, command);
            return;
        }

        MakeReady(command, Math.Max(now, command.ReadyNanoseconds));
    }

    /// <summary>Ends a command with a status and, unless that is success, without data.</summary>
    public void Complete(Command command, NvmeStatus status, long now)
    {
        command.Status = status;
        MakeReady(command, now);
    }

    public void OnData(TransactionName name, int offset, ReadOnlySpan<byte> data)
    {
        if (_commands.Find(name) is { OutstandingReads: > 0 } command)
        {
            if (name.Kind == TransactionKind.List)
            {
                DataPointers.OnListData(command, offset, data);
            }
            else
            {
                HostDataReader.OnData(command, name.Part, offset, data);
            }
        }
    }

    public void OnReadCompleted(TransactionName name, DmaReadStatus status, long now)
    {
        if (_commands.Find(name) is not { OutstandingReads: > 0 } command)
        {
            return;
        }

        if (name.Kind == TransactionKind.List)
        {
            OnWalked(command, _controller.DataPointers.OnListCompleted(command, status), now);
        }
        else if (HostDataReader.OnCompleted(command, status))
        {
            OnGathered(command, now);
        }
    }

    public void OnReadRoom(long now)
    {
        _hasReadRoom = true;
        Resume(ref _needReadRoom, now);
    }

    /// <summary>Takes what media have answered.</summary>
    public void PollMedia(long now)
    {
        if (!_media.HasCompletions)
        {
            return;
        }

        int count = _media.Poll(_completions);
        for (int i = 0; i < count; i++)
        {
            if (_completions[i].Context == ShutdownFlush.Context)
            {
                _controller.Admin.OnShutdownFlushed();
                continue;
            }

            Command command = _commands.All[(int)_completions[i].Context];
            command.IsMediaPending = false;
            if (command.State == CommandState.Draining)
            {
                Release(command);
            }
            else if (command.IsAdmin)
            {
                _controller.Admin.OnMediaDone(command, _completions[i].Status, now);
            }
            else
            {
                _controller.Io.OnMediaDone(command, _completions[i].Status, now);
            }
        }

        if (count > 0)
        {
            Resume(ref _needMedia, now);
        }
    }

    /// <summary>Sends off what flash would have done by now.</summary>
    public void RunTimed(long now)
    {
        for (int i = 0; i < TimedPerCall && _timed.TakeDue(now) is { } command; i++)
        {
            command.State = CommandState.Active;
            MakeReady(command, command.ReadyNanoseconds);
        }
    }

    /// <summary>The end of a call: commands that wait for a buffer, then everything started goes to the medium in one batch.</summary>
    public void EndOfCall(long now)
    {
        while (!_needBuffer.IsEmpty && _buffers.TryRent(out int buffer))
        {
            Command command = _needBuffer.TakeFirst()!;
            command.Buffer = buffer;
            command.Data = _buffers[buffer];
            Continue(command, now);
        }

        if (_isMediaStarted)
        {
            _isMediaStarted = false;
            _media.Submit();
        }
    }

    /// <summary>Whether the end of a call would get a command further.</summary>
    public bool HasBufferForWaiting => !_needBuffer.IsEmpty && _buffers.Available > 0;

    /// <summary>Gives a command's slot and buffer back.</summary>
    public void Release(Command command)
    {
        if (command.Buffer >= 0)
        {
            _buffers.Return(command.Buffer);
            command.Buffer = -1;
        }

        _commands.GiveBack(command);
    }

    /// <summary>Voids all commands. What the medium still works on keeps its buffer until it is done.</summary>
    public void Reset()
    {
        _needBuffer.Clear();
        _needReadRoom.Clear();
        _needMedia.Clear();
        _timed.Clear();
        _hasReadRoom = true;
        foreach (Command command in _commands.All)
        {
            if (command.State is CommandState.Free or CommandState.Draining)
            {
                continue;
            }

            if (command.IsMediaPending)
            {
                command.State = CommandState.Draining;
            }
            else
            {
                Release(command);
            }
        }
    }

    /// <summary>Hands a finished command to the host's egress queue.</summary>
    public void MakeReady(Command command, long readyNanoseconds)
    {
        command.State = CommandState.Ready;
        command.ReadyNanoseconds = readyNanoseconds;
        if (command.Status != NvmeStatus.Success)
        {
            _controller.OnCommandFailed(command);
        }

        int dataBytes = command.Direction == TransferDirection.ToHost && command.Status == NvmeStatus.Success ? command.DataBytes : 0;
        var ready = new ReadyTransaction
        {
            Token = command.Name.Token,
            DeadlineNanoseconds = command.IsAdmin ? readyNanoseconds : command.DeadlineNanoseconds,
            Origin = command.ArrivalOrigin,
            BytesToWrite = dataBytes + CompletionEntry.SizeBytes + (command.Queue.Completions.InterruptsEnabled ? 4 : 0),
            DataBytes = command.DataBytes,
            Opcode = command.Entry.Opcode,
            IsStamped = !command.IsAdmin,
            ArrivalNanoseconds = command.ArrivalNanoseconds,
            AdmittedNanoseconds = command.AdmittedNanoseconds,
            ReadyNanoseconds = readyNanoseconds,
            FlashQueueNanoseconds = command.FlashTimes.QueueNanoseconds,
            FlashCellNanoseconds = command.FlashTimes.CellNanoseconds,
            FlashTransferNanoseconds = command.FlashTimes.TransferNanoseconds,
        };
        _controller.Host.Ready(in ready);
    }

    private void OnWalked(Command command, WalkResult result, long now)
    {
        switch (result)
        {
            case WalkResult.Pending:
                return;
            case WalkResult.NoRoom:
                WaitForReadRoom(command);
                return;
            case WalkResult.Failed:
                Complete(command, command.Status, now);
                return;
        }

        if (command.Direction == TransferDirection.ToHost)
        {
            Execute(command, now);
        }
        else if (_controller.HostData.TryUseInPlace(command))
        {
            Execute(command, now);
        }
        else
        {
            command.Step = CommandStep.RentBuffer;
            if (_needBuffer.IsEmpty && _buffers.TryRent(out command.Buffer))
            {
                command.Data = _buffers[command.Buffer];
                Gather(command, now);
            }
            else
            {
                _needBuffer.Add(command);
            }
        }
    }

    private void Gather(Command command, long now)
    {
        command.Step = CommandStep.FetchData;
        if (!_hasReadRoom || !_controller.HostData.TryStartReads(command))
        {
            WaitForReadRoom(command);
        }
        else if (command.OutstandingReads == 0)
        {
            OnGathered(command, now);
        }
    }

    private void OnGathered(Command command, long now)
    {
        command.SegmentIndex = 0;
        command.SegmentOffset = 0;
        if (command.Status != NvmeStatus.Success)
        {
            Complete(command, command.Status, now);
        }
        else
        {
            Execute(command, now);
        }
    }

    private void WaitForReadRoom(Command command)
    {
        _hasReadRoom = false;
        _needReadRoom.Add(command);
    }

    private void Execute(Command command, long now)
    {
        if (command.IsAdmin)
        {
            _controller.Admin.Execute(command, now);
        }
        else
        {
            _controller.Io.Execute(command, now);
        }
    }

    // Takes each command that waits now once; those that still lack something wait again, behind the others.
    private void Resume(ref CommandFifo waiting, long now)
    {
        CommandFifo due = waiting;
        waiting.Clear();
        while (due.TakeFirst() is { } command)
        {
            Continue(command, now);
        }
    }

    private void Continue(Command command, long now)
    {
        switch (command.Step)
        {
            case CommandStep.ReadList:
                OnWalked(command, _controller.DataPointers.ReadList(command), now);
                break;
            case CommandStep.RentBuffer:
            case CommandStep.FetchData:
                Gather(command, now);
                break;
            case CommandStep.Execute:
                Execute(command, now);
                break;
            case CommandStep.StartMedia:
                if (TryRunMedia(command, out MediaStatus status))
                {
                    if (command.IsAdmin)
                    {
                        _controller.Admin.OnMediaDone(command, status, now);
                    }
                    else
                    {
                        _controller.Io.OnMediaDone(command, status, now);
                    }
                }

                break;
        }
    }
}
