using PcieOe.FlashEndpoint.Dma;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>
/// Leads commands from their entry to the egress queue: admission, data, execution, the time flash takes. What a command means is for the
/// admin and I/O parts; how its result is written, for <see cref="Queues.CompletionWriter"/>.
/// </summary>
internal sealed class CommandPipeline(NvmeController controller)
{
    private const int TimedPerCall = 64;

    private readonly CommandTable _commands = controller.Commands;
    private readonly ReadyHeap _timed = new(controller.Commands.Count);

    public long NextDeadline => _timed.NextNanoseconds;

    /// <summary>A command whose entry has just been taken.</summary>
    public void Begin(Command command, long now)
    {
        command.State = CommandState.Active;
        if (command.IsAdmin)
        {
            command.AdmittedNanoseconds = now;
            controller.Admin.Begin(command, now);
            return;
        }

        NvmeStatus status = controller.IoDecoder.Decode(command);
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
        Admission admission = controller.Host.Submit(in request, now);
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
        controller.Io.OnStarting(command, now);
        controller.Data.Begin(command, now);
        return true;
    }

    /// <summary>Its data, if it has any from the host, is here.</summary>
    public void Execute(Command command, long now)
    {
        if (command.IsAdmin)
        {
            controller.Admin.Execute(command, now);
        }
        else
        {
            controller.Io.Execute(command, now);
        }
    }

    /// <summary>The command is done; it goes on its way when flash would have done it too.</summary>
    public void Finish(Command command, long now)
    {
        if (command.ReadyNanoseconds > now)
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

    /// <summary>Sends off what flash would have done by now.</summary>
    public void RunTimed(long now)
    {
        for (int i = 0; i < TimedPerCall && _timed.TakeDue(now) is { } command; i++)
        {
            command.State = CommandState.Active;
            MakeReady(command, command.ReadyNanoseconds);
        }
    }

    /// <summary>Gives a command's slot and buffer back.</summary>
    public void Release(Command command)
    {
        controller.Data.ReturnBuffer(command);
        _commands.GiveBack(command);
    }

    /// <summary>Voids all commands. What the medium still works on keeps its buffer until it is done.</summary>
    public void Reset()
    {
        _timed.Clear();
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
            controller.Errors.Add(command);
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
        controller.Host.Ready(in ready);
    }
}
